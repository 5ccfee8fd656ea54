// Small parts that views are made of.
import type { ComponentChildren, JSX } from 'preact';
import { type Believed, witnessed } from '../model/believed.ts';
import type { LeaseBar } from '../model/lease.ts';
import { short } from '../model/text.ts';

/** Who says so. */
export function Witness({
  of,
}: {
  readonly of: Omit<Believed<unknown>, 'value'> | undefined;
}): JSX.Element | null {
  if (of === undefined) return null;
  return <p class="witness">Believed: {witnessed(of)}.</p>;
}

/** What a part of the page is about. */
export function Section(props: {
  readonly id: string;
  readonly title: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { id, title, children } = props;
  return (
    <section aria-labelledby={`${id}-title`} id={id}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </section>
  );
}

/** A long hex text: its beginning is seen, all of it is there for who asks. */
export function Hex({ of }: { readonly of: string }): JSX.Element {
  return (
    <code class="hex" title={of}>
      {short(of)}
    </code>
  );
}

/** A lease that runs down. */
export function Bar({
  of,
  label,
}: {
  readonly of: LeaseBar | undefined;
  readonly label: string;
}): JSX.Element {
  if (of === undefined) return <span class="quiet">…</span>;
  const { leftMs, wholeMs, words } = of;
  return (
    <span class="bar">
      <progress aria-label={label} max={wholeMs} value={leftMs} aria-valuetext={words} />
      <span class="left">{words}</span>
    </span>
  );
}

/** There is nothing to list. */
export function Nothing({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <p class="quiet">{children}</p>;
}
