// The page as a whole.
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Console } from '../live/console.ts';
import { Locks, Sessions } from './locks.tsx';
import { Events, Evidence } from './news.tsx';
import { Hex } from './parts.tsx';
import { Protocol } from './protocol.tsx';
import { Health, Replicas } from './replicas.tsx';
import { type Tab, Tabs } from './tabs.tsx';
import { Tree } from './tree.tsx';
import { Jobs, Machines } from './work.tsx';

function tabsOf(of: Console): readonly Tab[] {
  return [
    { id: 'locks', title: 'Locks', view: () => <Locks of={of} /> },
    { id: 'tree', title: 'Tree', view: () => <Tree of={of} /> },
    { id: 'sessions', title: 'Sessions', view: () => <Sessions of={of} /> },
    { id: 'machines', title: 'Machines', view: () => <Machines of={of} /> },
    { id: 'jobs', title: 'Jobs', view: () => <Jobs of={of} /> },
    { id: 'events', title: 'Events', view: () => <Events of={of} /> },
    { id: 'evidence', title: 'Evidence', view: () => <Evidence of={of} /> },
  ];
}

/** Head, replicas and protocol, and the tabs below them. */
export function App({ of }: { readonly of: Console }): JSX.Element {
  const tabs = useMemo(() => tabsOf(of), [of]);
  return (
    <>
      <header>
        <h1>
          Fatty <span class="quiet">console</span>
        </h1>
        <p>
          Cell <Hex of={of.cellId.value} /> is <Health of={of} />.
        </p>
        {of.moved.value && (
          <p role="status">
            A member has moved since this page was loaded.{' '}
            <button type="button" onClick={() => location.reload()}>
              Load it again
            </button>
          </p>
        )}
        <p class="visually-hidden" role="status" aria-live="polite">
          {of.said.value}
        </p>
      </header>
      <main>
        {of.waiting.value !== undefined ? (
          <p role="status">Waiting for the cell: {of.waiting.value}.</p>
        ) : (
          <>
            <div class="columns">
              <Replicas of={of} />
              <Protocol of={of} />
            </div>
            <Tabs tabs={tabs} label="Views of the cell" />
          </>
        )}
      </main>
    </>
  );
}
