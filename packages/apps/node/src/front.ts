// What serves the clients of a replica process.
import { type Signer, toHex } from '@fatty/codec';
import { GATEWAY_LIMITS, Gateway, type MakeFront } from '@fatty/host';
import type { Cell } from '@fatty/protocol';
import type { NodeConfig } from './config.ts';
import type { Core } from './core.ts';
import type { Hosting } from './hosting.ts';
import type { Telemetry } from './telemetry.ts';

/** What a front is made of. */
export interface FrontParts {
  readonly cell: Cell;
  readonly config: NodeConfig;
  readonly core: Core;
  readonly hosting: Hosting;
  readonly signer: Signer;
  readonly telemetry: Telemetry;
}

/** A gateway to the replica that is at work, whichever that is. */
export function frontOf({ cell, config, core, hosting, signer, telemetry }: FrontParts): MakeFront {
  const { clientMessagesPerSecMax, clientBytesPerSecMax } = config;
  const { metrics, log } = telemetry;
  return (replica, timers) =>
    new Gateway({
      cellId: cell.cellId,
      signer,
      replica,
      served: hosting.served(
        (view) => (view === 'committed' ? core.machine : core.deliveredView),
        () => core.cell.committee,
      ),
      timers,
      limits: {
        ...GATEWAY_LIMITS,
        messagesPerSecMax: clientMessagesPerSecMax,
        bytesPerSecMax: clientBytesPerSecMax,
      },
      onError: (error, serving, client) =>
        log.error({ err: error, serving, client: toHex(client) }, 'client dropped'),
      onLatency: (ms) => metrics.commitLatencySeconds.observe(ms / 1000),
    });
}
