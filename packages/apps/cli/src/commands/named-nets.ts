// Every net that has a name here. It brings the simulator along, so it is loaded when a net is asked for.
import { type AnyNet, NETS } from '@fatty/testnet';
import { TEXTBOOK_NETS } from '@fatty/textbook';

/** Those of the simulator, and those of the textbook's protocols. */
export const NAMED_NETS: Readonly<Record<string, AnyNet>> = { ...NETS, ...TEXTBOOK_NETS };
