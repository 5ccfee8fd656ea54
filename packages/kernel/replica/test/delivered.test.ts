// Tests of the delivered view as a replica shows it.
import type { StateMachine } from '@fatty/interface';
import { expect, test } from 'vitest';
import { viewOf } from '../src/index.ts';
import { bareMachine } from './bare-machine.ts';
import { listAlgorithm, makeCell } from './world.ts';

const { cellId, committee } = makeCell(4);
const plain = (): StateMachine =>
  bareMachine(listAlgorithm, { cellId, epoch: 0, members: committee.members });

test('a view costs no copy of the state where the machine can share it', () => {
  const [machine, shared] = [plain(), plain()];
  machine.view = () => shared;
  machine.snapshot = () => {
    throw new Error('a copy of the whole state');
  };
  expect(viewOf(machine)).toBe(shared);
});

test('a machine that cannot share gives a copy', () => {
  const machine = plain();
  const view = viewOf(machine);
  expect(view).not.toBe(machine);
  expect(view.snapshot()).toEqual(machine.snapshot());
});
