export { broken } from './broken.mjs';
export { default as mine } from './mine.mjs';
