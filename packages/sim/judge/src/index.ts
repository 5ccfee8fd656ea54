// The judge of histories: calls and answers in, an order or a contradiction out.
export {
  type Begun,
  type Call,
  type CallOp,
  type CallOutcome,
  type Ended,
  readHistory,
  type UnreadableLine,
} from './history.ts';
export { type Judged, judge, judgePath, type Limits } from './judge.ts';
