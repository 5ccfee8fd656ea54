// How `npm test` runs: all tests, on the modules that it has built before.
import { defineConfig } from 'vitest/config';
import { configOf } from './vitest.config.ts';

export default defineConfig(configOf('built'));
