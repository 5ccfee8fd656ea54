// Append-only log, key-value store, signer mark, folder lock.
export { isDiskFull, isMissing, StorageError } from './errors.ts';
export { type Files, nodeFiles, type StoredFile } from './files.ts';
export { type FolderLock, lockFolder } from './folder-lock.ts';
export { FRAMES_KEPT, type FrameBytes, type FrameStore, openFrames } from './frames.ts';
export { KEY_BYTES_MAX, type KvOptions, openKv } from './kv.ts';
export { type LogOptions, openLog } from './log.ts';
export { type DurableMark, MARK_BYTES_MAX, type MarkOptions, openMark } from './mark.ts';
export { MemoryKv, memoryFrames, memoryKv, memoryLog, memoryMark } from './memory.ts';
export { MemoryDisk, memoryDisk, type Survives } from './memory-disk.ts';
export { Patience, type PatienceOptions } from './patience.ts';
