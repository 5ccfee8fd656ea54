// What waits to leave on one link.
import type { Priority } from '@fatty/interface';

/** FIFO with O(1) take: a moving head, compacted now and then. */
class Fifo {
  #items: Uint8Array[] = [];
  #head = 0;
  bytes = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  put(message: Uint8Array): void {
    this.#items.push(message);
    this.bytes += message.length;
  }

  take(): Uint8Array | undefined {
    const message = this.#items[this.#head];
    if (message === undefined) return undefined;
    this.#head++;
    this.bytes -= message.length;
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }
}

/** Bounds of each class of messages. */
export interface QueueLimits {
  readonly queueBytesMax: number;
  readonly queueMessagesMax: number;
}

/**
 * What waits to leave on one link. Each class has its own bound, so bulk data can neither delay nor
 * crowd out keep-alives.
 */
export class SendQueue {
  readonly #limits: QueueLimits;
  readonly #classes: readonly Fifo[] = [new Fifo(), new Fifo(), new Fifo()];

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** False when the class is full: the message was not taken. */
  put(message: Uint8Array, priority: Priority): boolean {
    const line = this.#classes[priority] as Fifo;
    const { queueBytesMax, queueMessagesMax } = this.#limits;
    if (line.length >= queueMessagesMax || line.bytes + message.length > queueBytesMax)
      return false;
    line.put(message);
    return true;
  }

  /** The oldest message of the lowest class that has one, up to `last`. */
  take(last: Priority): Uint8Array | undefined {
    for (const line of this.#classes.slice(0, last + 1)) {
      const message = line.take();
      if (message !== undefined) return message;
    }
    return undefined;
  }

  get messages(): number {
    return this.#classes.reduce((sum, line) => sum + line.length, 0);
  }

  get bytes(): number {
    return this.#classes.reduce((sum, line) => sum + line.bytes, 0);
  }
}
