// The tree of names, and the node that is selected.
import { toHex } from '@fatty/codec';
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { Console } from '../live/console.ts';
import type { Selected } from '../live/names.ts';
import { previewOf, sizeWords, timeWords } from '../model/text.ts';
import { moveBy, type TreeRow, treeRows } from '../model/tree.ts';
import { Hex, Nothing, Witness } from './parts.tsx';

const ICONS = { directory: '▸', file: '·', machine: '⚙', job: '▤' } as const;

function Row(props: {
  readonly row: TreeRow;
  readonly isFocus: boolean;
  readonly isSelected: boolean;
  readonly onPick: () => void;
}): JSX.Element {
  const { row, isFocus, isSelected, onPick } = props;
  const icon = row.expanded ? '▾' : ICONS[row.node];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys are heard by the tree, as its pattern has it
    <div
      role="treeitem"
      aria-level={row.level}
      aria-posinset={row.place}
      aria-setsize={row.more ? -1 : row.siblings}
      aria-expanded={row.expanded}
      aria-selected={isSelected}
      tabIndex={isFocus ? 0 : -1}
      data-path={row.path}
      onClick={onPick}
    >
      <span class={`indent level-${Math.min(row.level, 12)}`} aria-hidden="true">
        {icon}
      </span>
      <span>{row.name}</span>
      {row.node !== 'file' && row.node !== 'directory' && <span class="quiet"> {row.node}</span>}
      {row.refused !== undefined && <span class="bad"> {row.refused}</span>}
    </div>
  );
}

/** The tree pattern of ARIA: one stop for the tab key, arrows inside. */
export function Tree({ of }: { readonly of: Console }): JSX.Element {
  const { names } = of;
  const [focus, setFocus] = useState('/');
  const list = useRef<HTMLDivElement>(null);
  const rows = treeRows(names.listings.value, names.open.value);
  const at = rows.some(({ path }) => path === focus) ? focus : '/';
  const selected = names.selected.value;

  const goTo = (path: string): void => {
    setFocus(path);
    const items = list.current?.querySelectorAll<HTMLElement>('[role=treeitem]') ?? [];
    for (const item of items) if (item.dataset.path === path) item.focus();
  };
  const pick = (row: TreeRow): void => {
    setFocus(row.path);
    void names.select(row.path);
    if (row.expanded === false) names.openUp(row.path);
    else if (row.expanded === true && selected?.path === row.path) names.shut(row.path);
  };
  const onKey = (event: KeyboardEvent): void => {
    const row = rows.find(({ path }) => path === at);
    const move = moveBy(event.key, rows, at);
    const isPick = (event.key === 'Enter' || event.key === ' ') && row !== undefined;
    if (move === undefined && !isPick) return;
    event.preventDefault();
    if (isPick) pick(row);
    else if (move?.kind === 'focus') goTo(move.path);
    else if (move?.kind === 'open') names.openUp(move.path);
    else if (move?.kind === 'close') names.shut(move.path);
  };
  return (
    <div class="columns">
      <div>
        <div role="tree" aria-label="Names in the cell" class="tree" ref={list} onKeyDown={onKey}>
          {rows.map((row) => (
            <Row
              key={row.path}
              row={row}
              isFocus={row.path === at}
              isSelected={row.path === selected?.path}
              onPick={() => pick(row)}
            />
          ))}
        </div>
        {rows
          .filter(({ more }) => more)
          .map(({ path }) => (
            <button type="button" key={path} onClick={() => void names.more(path)}>
              More of {path}
            </button>
          ))}
      </div>
      <Details of={selected} />
    </div>
  );
}

function Details({ of }: { readonly of: Selected | undefined }): JSX.Element {
  if (of === undefined) return <Nothing>Select a node to see what it is.</Nothing>;
  const { path, stat, value, acl, refused } = of;
  return (
    <div class="details" aria-live="polite">
      <h3>{path}</h3>
      {refused !== undefined && <p class="bad">Not shown: {refused}.</p>}
      {stat !== undefined && <Metadata of={stat.value.stat} />}
      {acl !== undefined && <Access of={acl.acl} />}
      {value?.siblings.map(({ dot, content }, i, { length }) => (
        <Content
          key={`${toHex(dot.session)}-${dot.seq}-${dot.index}`}
          content={content}
          title={length === 1 ? 'Content' : `Concurrent value ${i + 1} of ${length}`}
        />
      ))}
      <Witness of={stat} />
    </div>
  );
}

type Stat = NonNullable<Selected['stat']>['value']['stat'];

const positionWords = (at: Stat['instance']): string =>
  at === undefined ? '–' : `${at.commit}.${at.index}`;

function Metadata({ of }: { readonly of: Stat }): JSX.Element {
  const { node, mode, ephemeral, sizeBytes, children } = of;
  const rows = [
    ['kind', `${node}${ephemeral === undefined ? '' : ', ephemeral'}`],
    ['written', mode],
    ['size', node === 'directory' ? `${children} children` : sizeWords(sizeBytes)],
    ['made', timeWords(of.createdTs)],
    ['changed', timeWords(of.modifiedTs)],
    ['instance', positionWords(of.instance)],
    ['content generation', positionWords(of.contentGen)],
    ['lock generation', positionWords(of.lockGen)],
    ['access generation', positionWords(of.aclGen)],
  ] as const;
  return (
    <dl class="facts">
      {rows.map(([name, words]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{words}</dd>
        </div>
      ))}
      <div>
        <dt>owner</dt>
        <dd>
          <Hex of={toHex(of.owner)} />
        </dd>
      </div>
    </dl>
  );
}

type Acl = NonNullable<Selected['acl']>['acl'];

function Access({ of }: { readonly of: Acl }): JSX.Element {
  const words = (['read', 'write', 'change'] as const).map(
    (list) =>
      `${list}: ${of[list].length === 0 ? 'nobody' : of[list].map(principalWords).join(', ')}`,
  );
  return <p class="quiet">Who may {words.join('; ')}.</p>;
}

function principalWords(principal: Acl['read'][number]): string {
  if (principal.kind === 'anyone') return 'anyone';
  return principal.kind === 'group'
    ? `group ${principal.name}`
    : `key ${toHex(principal.key).slice(0, 8)}…`;
}

function Content({
  content,
  title,
}: {
  readonly content: Uint8Array;
  readonly title: string;
}): JSX.Element {
  const { kind, shown, cut } = previewOf(content);
  return (
    <>
      <h4>{title}</h4>
      <pre class={kind}>
        {shown}
        {cut && ' …'}
      </pre>
    </>
  );
}
