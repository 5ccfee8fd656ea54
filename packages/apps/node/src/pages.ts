// What the HTTP port of a replica answers from.
import type { Driver } from '@fatty/host';
import { refuseHost } from '@fatty/network';
import { quorum } from '@fatty/protocol';
import type { NodeConfig } from './config.ts';
import type { Core } from './core.ts';
import type { HttpSources } from './http.ts';
import { shownAgenda } from './members-shown.ts';
import type { Peering } from './peering.ts';
import type { Telemetry } from './telemetry.ts';
import { WebPage } from './web-page.ts';

/** Whose pages they are. */
export interface PagesParts {
  readonly config: NodeConfig;
  readonly telemetry: Telemetry;
  readonly core: Core;
  readonly driver: Driver;
  /** Names under which HTTP is answered. */
  readonly hosts: readonly string[];
  /** Links of clients. */
  readonly clients: () => number;
  /** Records of the log replayed so far; undefined: all are. */
  readonly replaying: () => number | undefined;
  /** Undefined until the log is replayed. */
  readonly peering: () => Peering | undefined;
}

/** Health, figures, and the console where the settings want one. */
export function pagesOf(parts: PagesParts): HttpSources {
  const { telemetry, core, driver, hosts } = parts;
  const web = parts.config.console ? WebPage.find() : undefined;
  if (web !== undefined && !web.ok)
    telemetry.log.warn({ failure: web.failure }, 'no console is served');
  const unlinked = (): string[] => [...(parts.peering()?.unlinked ?? []), ...telemetry.turnedAway];
  return {
    registry: telemetry.metrics.registry,
    refuse: (request) => refuseHost(request, { allowHosts: hosts }),
    live: () => telemetry.live(),
    ready: () => [
      ...telemetry.ready(core.status, {
        reachable: driver.peersUp.length + 1,
        needed: quorum(core.cell.committee),
        unlinked: unlinked(),
      }),
      telemetry.replayed(parts.replaying()),
    ],
    status: () => ({
      replica: core.me,
      ...core.status,
      evidence: telemetry.evidence(core.status),
      agenda: shownAgenda(core.cell.committee, core.status.agenda),
      members: core.cell.committee.members.length,
      state: core.openedStatus.state,
      peersUp: driver.peersUp,
      clients: parts.clients(),
    }),
    rounds: () => {
      const { epoch, members } = core.cell.committee;
      return { replica: core.me, ...telemetry.rounds.shown(epoch, members.length) };
    },
    page: (path) => (web?.ok ? web.value.at(path, parts.peering()) : undefined),
  };
}
