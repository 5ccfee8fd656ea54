// A driver of the SDK that counts its calls.
import { Driver } from '@fatty/client/driver';

/** Tells the numbers of its calls: they are counted from 1 in the order in which they are made. */
export class CountedDriver extends Driver {
  onCall: (call: number) => void = () => undefined;
  #calls = 0;

  override call(...args: Parameters<Driver['call']>): ReturnType<Driver['call']> {
    this.#calls += 1;
    this.onCall(this.#calls);
    return super.call(...args);
  }
}
