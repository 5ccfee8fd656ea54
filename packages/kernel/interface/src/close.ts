// Why a link ended, as a number that both ends know.

/** WebSocket close codes in use. 4xxx are ours. */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  abnormal: 1006,
  tooBig: 1009,
  internal: 1011,
  restart: 1012,
  tryLater: 1013,
  malformed: 4400,
  notAdmitted: 4401,
  unproved: 4403,
  wrongCell: 4404,
  timeout: 4408,
  conflict: 4409,
  version: 4426,
  slowDown: 4429,
} as const;
