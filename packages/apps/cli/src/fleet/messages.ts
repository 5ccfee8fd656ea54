// What the processes of the fleet tell the demo that started them.

/** How a process of the fleet behaves. */
export type Role = 'coordinator' | 'honest' | 'staller' | 'liar' | 'victim';

/** What the demo tells a process when it starts it; as JSON on its command line. */
export interface Orders {
  readonly role: Role;
  readonly cellPath: string;
  readonly jobs: number;
  /** Of a claim, ms. */
  readonly leaseMs: number;
}

/** What a process of the fleet tells; keys as hex. */
export type Told =
  | { readonly kind: 'up'; readonly key: string }
  | { readonly kind: 'claimed'; readonly path: string }
  | { readonly kind: 'proved'; readonly path: string; readonly done: boolean }
  /** The claim went to another. */
  | { readonly kind: 'lost'; readonly path: string; readonly code: string }
  /** The worker gave the claim back. */
  | { readonly kind: 'failed'; readonly path: string; readonly code: string }
  /** Claimed, and says nothing more. */
  | { readonly kind: 'silent'; readonly path: string }
  | { readonly kind: 'refused'; readonly path: string; readonly lie: string; readonly code: string }
  /** A lie that the cell took: this must not be. */
  | { readonly kind: 'believed'; readonly path: string; readonly lie: string }
  | { readonly kind: 'leads'; readonly token: string }
  /** It has taken the master's machine by proof, and published where it is. */
  | { readonly kind: 'master'; readonly address: string }
  /** What a declaration under the generation of the coordinator before came to. */
  | { readonly kind: 'fenced'; readonly code: string }
  | { readonly kind: 'declared'; readonly path: string }
  | { readonly kind: 'deposed'; readonly code: string };
