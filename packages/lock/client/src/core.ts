/** `@fatty/client/core`: the core under its former name. */
export * from '@fatty/core';
