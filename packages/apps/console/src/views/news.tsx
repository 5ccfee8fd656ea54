// What happens, and who has lied.
import type { JSX } from 'preact';
import type { Console } from '../live/console.ts';
import { listed } from '../model/believed.ts';
import { Nothing, Witness } from './parts.tsx';

/** The newest events first. */
export function Events({ of }: { readonly of: Console }): JSX.Element {
  const events = of.events.value;
  if (events.length === 0)
    return <Nothing>Nothing has happened since this page was opened.</Nothing>;
  return (
    <>
      <ol class="events">
        {events.map(({ number, path, words, commit }) => (
          <li key={number}>
            <span class="quiet number">{commit}</span> <strong>{path}</strong> {words}
          </li>
        ))}
      </ol>
      <p class="witness">
        Believed: more than f replicas tell each of them, at the commit that stands first.
      </p>
    </>
  );
}

/** Members that contradicted themselves. */
export function Evidence({ of }: { readonly of: Console }): JSX.Element {
  const convicted = of.members.value?.value.convicted ?? [];
  const server = of.server.value;
  return (
    <>
      <p data-convicted={convicted.join(' ')}>
        {convicted.length === 0
          ? 'The cell has convicted nobody.'
          : `The cell has convicted ${listed(convicted.map(String), 'replica')}: each has signed what no honest replica signs.`}
      </p>
      <Witness of={of.members.value} />
      <h3>Evidence at hand</h3>
      {server === undefined || server.evidence.length === 0 ? (
        <Nothing>
          {server === undefined ? 'The replica that served this page does not answer.' : 'None.'}
        </Nothing>
      ) : (
        <ul>
          {server.evidence.map(({ epoch, member, by, bytes }) => (
            <li key={`${epoch} ${member} ${by} ${bytes}`} data-evidence={member}>
              against replica {member} of epoch {epoch}: {by} that no honest member signs, {bytes}{' '}
              bytes
            </li>
          ))}
        </ul>
      )}
      <p class="witness">
        As replica {server?.replica ?? '…'} shows it; the page does not check its signatures.{' '}
        <code>fatty evidence</code> does.
      </p>
    </>
  );
}
