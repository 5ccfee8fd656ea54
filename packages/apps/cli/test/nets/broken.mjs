import mine from './mine.mjs';

/** Never satisfied, once somebody has sent something. */
export const broken = {
  ...mine,
  name: 'broken',
  act() {
    const finish = ({ plan }) =>
      plan.ops.length === 0
        ? []
        : [{ rule: 'mine', expected: 'no op; at all', actual: '#1', atMs: 0, replica: 1 }];
    return { ...mine.act(), finish };
  },
};
