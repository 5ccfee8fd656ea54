// Machines and jobs: what is proved, by whom, how far.
import { toHex } from '@fatty/codec';
import type { JSX } from 'preact';
import type { Console } from '../live/console.ts';
import type { JobFound, MachineFound } from '../live/nodes.ts';
import { type LeaseBar, leaseBar } from '../model/lease.ts';
import { Bar, Hex, Nothing, Witness } from './parts.tsx';

type BarOf = (expiry: number, wholeMs?: number) => LeaseBar | undefined;

const barsOf =
  (of: Console): BarOf =>
  (expiry, wholeMs) =>
    leaseBar(expiry, of.clock.value, of.nowMs.value, wholeMs);

function MachineCard({ of, bar }: { readonly of: MachineFound; readonly bar: BarOf }): JSX.Element {
  const { path, value } = of;
  const { t, s, lessee, leaseExpiry, periodMs, programId, inbox, address } = value;
  return (
    <li>
      <h3>{path}</h3>
      <dl class="facts">
        <Fact name="clock">step {String(t)}</Fact>
        <Fact name="state">
          <Hex of={s.toString(16)} />
        </Fact>
        <Fact name="program">
          <Hex of={toHex(programId)} />
        </Fact>
        <Fact name="held by">{lessee === undefined ? 'nobody' : <Hex of={toHex(lessee)} />}</Fact>
        {lessee !== undefined && (
          <Fact name="lease">
            <Bar of={bar(leaseExpiry, periodMs)} label={`Lease of ${path}`} />
          </Fact>
        )}
        {address !== '' && <Fact name="address">{address}</Fact>}
        {inbox !== undefined && (
          <Fact name="inbox">
            {inbox.consumed} taken, {inbox.pending.length} waiting
            {inbox.neglectedSince !== undefined && <strong class="bad"> neglected</strong>}
          </Fact>
        )}
      </dl>
      <Witness of={of} />
    </li>
  );
}

function Fact(props: {
  readonly name: string;
  readonly children: JSX.Element['props']['children'];
}): JSX.Element {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

/** Machines with clock, state, inbox and lease. */
export function Machines({ of }: { readonly of: Console }): JSX.Element {
  const machines = of.nodes.machines.value;
  if (machines.length === 0) return <Nothing>No machine was found.</Nothing>;
  return (
    <ul class="cards">
      {machines.map((one) => (
        <MachineCard key={one.path} of={one} bar={barsOf(of)} />
      ))}
    </ul>
  );
}

function JobCard({ of, bar }: { readonly of: JobFound; readonly bar: BarOf }): JSX.Element {
  const { path, value } = of;
  const { status, progress, steps, claim, leaseMs, claims, refused, failedBy } = value;
  return (
    <li>
      <h3>{path}</h3>
      <dl class="facts">
        <Fact name="status">{status.replaceAll('_', ' ')}</Fact>
        <Fact name="proved">
          <progress
            aria-label={`Steps of ${path}`}
            max={Number(steps)}
            value={Number(progress.t)}
          />{' '}
          {String(progress.t)} of {String(steps)} steps
        </Fact>
        <Fact name="worker">
          {claim === undefined ? 'nobody' : <Hex of={toHex(claim.worker)} />}
        </Fact>
        {claim !== undefined && (
          <Fact name="claim">
            <Bar of={bar(claim.leaseExpiry, leaseMs)} label={`Claim of ${path}`} />
          </Fact>
        )}
        <Fact name="so far">
          {claims} claims, {refused} proofs refused, {failedBy.length} workers failed
        </Fact>
      </dl>
      <Witness of={of} />
    </li>
  );
}

/** Jobs with what is proved of them. */
export function Jobs({ of }: { readonly of: Console }): JSX.Element {
  const jobs = of.nodes.jobs.value;
  if (jobs.length === 0) return <Nothing>No job was found.</Nothing>;
  return (
    <ul class="cards">
      {jobs.map((one) => (
        <JobCard key={one.path} of={one} bar={barsOf(of)} />
      ))}
    </ul>
  );
}
