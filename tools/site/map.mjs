// What a reader of the site finds where. A page is a file as it stands in the tree; nothing is written for the site alone.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A page by its path from the root, with the words that the sidebar has for it. */
const page = (text, path) => ({ text, path });
/** A heading within a page that is listed as a whole elsewhere. */
const part = (text, path, hash) => ({ text, path, hash });
/** Paths of the pages of some groups, without headings. */
const pagesOf = (groups) =>
  groups
    .flatMap(({ items }) => items)
    .filter(({ hash }) => hash === undefined)
    .map(({ path }) => path);

/** What has a place of its own. */
const PLACED = [
  {
    text: 'First ten minutes',
    items: [
      page('What it is', 'README.md'),
      part('See it', 'README.md', 'see-it'),
      part('Use it', 'README.md', 'use-it'),
      page('The command line', 'packages/apps/cli/README.md'),
      page('The console', 'packages/apps/console/README.md'),
    ],
  },
  {
    text: 'Before you choose',
    items: [
      page('Guide', 'packages/guide/README.md'),
      page('Beside others', 'packages/guide/COMPARISON.md'),
      page('The security model', 'packages/guide/SECURITY.md'),
      page('Questions people ask', 'packages/guide/FAQ.md'),
    ],
  },
  {
    text: 'Concepts',
    items: [
      part('How it works', 'README.md', 'how-it-works-and-why-to-believe-it'),
      page('Charts of whole runs', 'msc/README.md'),
      page('Time and leases', 'packages/lock/core/TIME.md'),
      page('Reads', 'packages/lock/core/READS.md'),
      page('The protocols of the textbook', 'packages/sim/textbook/README.md'),
      page('The house', 'packages/README.md'),
      part('Words', 'packages/README.md', 'words'),
    ],
  },
  {
    text: 'Guides for applications',
    items: [
      page('Lock, files and watches', 'packages/lock/client/README.md'),
      page('Election, queue and other recipes', 'packages/lock/client/RECIPES.md'),
      part('A worker by proof', 'packages/lock/client/README.md', 'workers'),
      part('Jobs for a fleet', 'packages/lock/client/README.md', 'jobs-for-a-fleet'),
      page('Machines', 'packages/cairo/prove/machines/MACHINES.md'),
      page('Assembly', 'packages/cairo/prove/ASSEMBLY.md'),
      page('Certified answers', 'packages/lock/verify/README.md'),
      part('Test with a cell', 'packages/lock/client/README.md', 'a-cell-for-your-own-tests'),
    ],
  },
  {
    text: 'Guides for algorithms',
    items: [
      part('Bring your own', 'README.md', 'bring-your-own-algorithm'),
      page('Simulate it', 'packages/sim/testnet/README.md'),
      page('Draw it', 'packages/apps/msc/README.md'),
    ],
  },
  {
    text: 'Guides for operators',
    items: [
      page('Run a replica', 'packages/apps/node/README.md'),
      page('Operate a cell', 'packages/apps/node/operate/README.md'),
      page('Runbook', 'packages/apps/node/operate/RUNBOOK.md'),
    ],
  },
  {
    text: 'Reference',
    items: [
      page('The protocol', 'packages/kernel/replica/PROTOCOL.md'),
      page('Messages', 'packages/kernel/replica/MESSAGES.md'),
      page('Ops, transactions, errors', 'packages/lock/api/README.md'),
      page('Every op, result and error', 'packages/lock/api/REFERENCE.md'),
      page('The lock service', 'packages/lock/service/README.md'),
      page('Changes', 'packages/CHANGELOG.md'),
    ],
  },
  {
    text: 'Decisions',
    collapsed: true,
    items: [
      page('Why it is so', 'packages/decisions/README.md'),
      page('An uncertified DAG', 'packages/decisions/uncertified-dag.md'),
      page('Proofs of Stone', 'packages/decisions/stone.md'),
      page('No BLS signatures', 'packages/decisions/no-bls.md'),
      page('WebSockets everywhere', 'packages/decisions/websockets.md'),
      page('Libraries', 'packages/decisions/libraries.md'),
    ],
  },
  {
    text: 'Develop',
    collapsed: true,
    items: [
      part('Commands', 'README.md', 'develop'),
      page('How to add something', 'packages/HOWTO.md'),
      page('Tests', 'tests/README.md'),
      page('Nets', 'tests/nets/README.md'),
      page('Broken on purpose', 'tests/MUTANTS.md'),
      page('Tools', 'tools/README.md'),
    ],
  },
];

/** Rooms of the house, from the inside out. */
const ROOMS = ['kernel', 'algorithms', 'lock', 'cairo', 'edge', 'sim', 'apps'];
const packages = fileURLToPath(new URL('../../packages', import.meta.url));

/** READMEs of the packages that have no place of their own; a new package is among them. */
function restOfThePackages() {
  const placed = new Set(pagesOf(PLACED));
  return ROOMS.flatMap((room) => readdirSync(join(packages, room)).map((name) => [room, name]))
    .filter(([room, name]) => existsSync(join(packages, room, name, 'README.md')))
    .map(([room, name]) => page(name, `packages/${room}/${name}/README.md`))
    .filter(({ path }) => !placed.has(path));
}

/** Every Markdown file in the tree is one `page` here, except the notes on where test data came from. */
export const NAVIGATION = [
  ...PLACED,
  { text: 'Packages', collapsed: true, items: restOfThePackages() },
];

/** Markdown files that are no pages, as a glob: provenance of test data. */
export const NO_PAGES = '**/PROVENANCE.md';

/** Paths of all pages, each as often as the navigation lists it. */
export const PAGES = pagesOf(NAVIGATION);
