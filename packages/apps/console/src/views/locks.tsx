// Locks with their queues, and the sessions behind them.
import type { JSX } from 'preact';
import type { Console } from '../live/console.ts';
import { witnessed } from '../model/believed.ts';
import { type LockRow, lockRows, type PartyRow, sessionRows } from '../model/locks.ts';
import { Bar, Hex, Nothing } from './parts.tsx';

function rowsOf(of: Console): readonly LockRow[] {
  const { locks, leases } = of.nodes;
  const seen = locks.value.map(({ value }) => value);
  return lockRows(seen, leases.value, of.clock.value, of.nowMs.value);
}

function Party({ of, what }: { readonly of: PartyRow; readonly what: string }): JSX.Element {
  return (
    <li>
      <Hex of={of.client} /> <span class="quiet">{of.mode === 'shared' ? 'shared' : ''}</span>{' '}
      <code class="quiet">{of.token}</code>
      <Bar of={of.bar} label={`Lease of ${what} ${of.client.slice(0, 8)}`} />
    </li>
  );
}

/** What of the locks is not seen, in words; undefined: all of them are. */
function gapOf(of: Console, shown: number): string | undefined {
  const held = of.counts.value?.holds ?? 0;
  const { cut, nodes } = of.nodes.walked.value;
  if (cut) return `Looked at the first ${nodes} nodes; others are shown once their locks move.`;
  return held > shown
    ? `The cell counts ${held} locks held; some are not readable for this page.`
    : undefined;
}

/** Who holds what, and who waits for it. */
export function Locks({ of }: { readonly of: Console }): JSX.Element {
  const rows = rowsOf(of);
  const held = rows.reduce((sum, { holders }) => sum + holders.length, 0);
  const gap = gapOf(of, held);
  const words = new Map(of.nodes.locks.value.map((one) => [one.value.path, witnessed(one)]));
  return (
    <>
      {rows.length === 0 && <Nothing>Nobody holds a lock or waits for one.</Nothing>}
      <ul class="cards">
        {rows.map(({ path, holders, waiters, delay }) => (
          <li key={path} data-lock={path} data-holder={holders[0]?.client}>
            <h3>{path}</h3>
            <ul class="parties" aria-label={`Holders of ${path}`}>
              {holders.map((one) => (
                <Party key={one.token} of={one} what="holder" />
              ))}
            </ul>
            {holders.length === 0 && <p class="quiet">nobody holds it</p>}
            {delay !== undefined && <p class="quiet">{delay}</p>}
            {waiters.length > 0 && (
              <>
                <h4>Queue</h4>
                <ol class="parties">
                  {waiters.map((one) => (
                    <Party key={one.token} of={one} what="waiter" />
                  ))}
                </ol>
              </>
            )}
            <p class="witness">Believed: {words.get(path)}.</p>
          </li>
        ))}
      </ul>
      {gap !== undefined && <p class="quiet">{gap}</p>}
    </>
  );
}

/** Sessions that hold or wait. */
export function Sessions({ of }: { readonly of: Console }): JSX.Element {
  const rows = sessionRows(rowsOf(of));
  const open = of.counts.value?.sessions;
  return (
    <>
      <p class="quiet">
        The cell has {open ?? '…'} open sessions; those that hold or wait for a lock are shown.
      </p>
      {rows.length > 0 && (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">session</th>
                <th scope="col">client</th>
                <th scope="col">lease</th>
                <th scope="col">holds</th>
                <th scope="col">waits for</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ session, client, bar, holds, waits }) => (
                <tr key={session}>
                  <th scope="row">
                    <Hex of={session} />
                  </th>
                  <td>
                    <Hex of={client} />
                  </td>
                  <td>
                    <Bar of={bar} label={`Lease of session ${session.slice(0, 8)}`} />
                  </td>
                  <td>{holds.join(', ')}</td>
                  <td>{waits.join(', ')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
