// The metrics of a replica.
import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { collectProcessMetrics, parts } from './process-metrics.ts';

/** What an operator can see of one replica; names follow Prometheus habits (base units, `_total`). */
export interface Metrics {
  readonly registry: Registry;
  readonly commits: Counter;
  readonly committedOps: Counter<'kind'>;
  readonly delivered: Counter;
  readonly rejects: Counter<'code'>;
  readonly equivocations: Counter;
  readonly leaderTimeouts: Counter;
  readonly refused: Counter<'code'>;
  readonly proved: Counter<'code'>;
  readonly persistSeconds: Histogram;
  readonly commitLatencySeconds: Histogram;
  readonly verifySeconds: Histogram;
  readonly state: Gauge<'state'>;
  readonly check: Gauge<'check'>;
  readonly epoch: Gauge;
  readonly members: Gauge;
  readonly round: Gauge;
  readonly commitIndex: Gauge;
  readonly certifiedCommit: Gauge;
  readonly frameCommit: Gauge;
  readonly frameSyncs: Counter;
  readonly frameSyncChunks: Gauge;
  readonly frameSyncChunksFetched: Gauge;
  readonly frameSyncBytes: Gauge;
  readonly frameSyncBytesFetched: Gauge<'member'>;
  readonly peersUp: Gauge;
  readonly evidence: Gauge;
  readonly clients: Gauge;
  readonly sessions: Gauge;
  readonly clockOffsetSeconds: Gauge<'member'>;
  readonly clockAheadOfWallSeconds: Gauge;
  readonly clockAlarm: Gauge;
}

const FINE_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/** Registers every metric of a replica. */
export function createMetrics(): Metrics {
  const registry = new parts.Registry();
  const registers = [registry];
  collectProcessMetrics(registry);
  const counter = (name: string, help: string): Counter =>
    new parts.Counter({ name, help, registers });
  const gauge = (name: string, help: string): Gauge => new parts.Gauge({ name, help, registers });
  const histogram = (name: string, help: string): Histogram =>
    new parts.Histogram({ name, help, registers, buckets: FINE_SECONDS });
  const labelled = <L extends string>(name: string, help: string, label: L): Counter<L> =>
    new parts.Counter({ name, help, registers, labelNames: [label] });
  return {
    registry,
    commits: counter('fatty_commits_total', 'Commits applied'),
    committedOps: labelled('fatty_committed_ops_total', 'Ops and keep-alives applied', 'kind'),
    delivered: counter('fatty_delivered_blocks_total', 'Blocks delivered by SecureBroadcast'),
    rejects: labelled('fatty_rejects_total', 'Blocks and messages rejected, by code', 'code'),
    equivocations: counter('fatty_equivocations_total', 'Contradictions seen'),
    leaderTimeouts: counter('fatty_leader_timeouts_total', 'Rounds entered by timeout'),
    refused: labelled('fatty_refused_total', 'Client submissions refused, by code', 'code'),
    proved: labelled('fatty_proved_total', 'Questions for proofs answered, by code', 'code'),
    persistSeconds: histogram('fatty_persist_seconds', 'Time to make a record group durable'),
    commitLatencySeconds: histogram('fatty_commit_latency_seconds', 'Submit to commit here'),
    verifySeconds: histogram('fatty_verify_seconds', 'Time of a slow check, queueing included'),
    state: new parts.Gauge({
      name: 'fatty_state',
      help: '1 for what the replica is doing, 0 for what it is not',
      registers,
      labelNames: ['state'],
    }),
    check: new parts.Gauge({
      name: 'fatty_check',
      help: '1 for a check of /readyz that is good, 0 for one that is not',
      registers,
      labelNames: ['check'],
    }),
    epoch: gauge('fatty_epoch', 'Epoch that the replica is in'),
    members: gauge('fatty_members', 'Members of the committee'),
    round: gauge('fatty_round', 'Highest own round'),
    commitIndex: gauge('fatty_commit_index', 'Last applied commit'),
    certifiedCommit: gauge('fatty_certified_commit', 'Newest commit that a quorum has certified'),
    frameCommit: gauge('fatty_frame_commit', 'Commit of the newest frame on disk'),
    evidence: gauge('fatty_evidence', 'Members against whom there is evidence'),
    frameSyncs: counter('fatty_frame_syncs_total', 'Frames of others that were adopted'),
    frameSyncChunks: gauge('fatty_frame_sync_chunks', 'Chunks of the frame being fetched'),
    frameSyncChunksFetched: gauge('fatty_frame_sync_chunks_fetched', 'Chunks of it that are here'),
    frameSyncBytes: gauge('fatty_frame_sync_bytes', 'Bytes of the frame being fetched'),
    frameSyncBytesFetched: new parts.Gauge({
      name: 'fatty_frame_sync_bytes_fetched',
      help: 'Bytes of it that are here, by the member who sent them',
      registers,
      labelNames: ['member'],
    }),
    peersUp: gauge('fatty_peers_up', 'Replica links that are up'),
    clients: gauge('fatty_clients', 'Client links'),
    sessions: gauge('fatty_sessions', 'Open sessions'),
    clockOffsetSeconds: new parts.Gauge({
      name: 'fatty_clock_offset_seconds',
      help: 'How far the clock of a member is ahead of the clock here',
      registers,
      labelNames: ['member'],
    }),
    clockAheadOfWallSeconds: gauge(
      'fatty_clock_ahead_of_wall_seconds',
      'How far the time of this replica is ahead of the wall clock of its host',
    ),
    clockAlarm: gauge('fatty_clock_alarm', '1: clocks are too far apart, and one of them is wrong'),
  };
}
