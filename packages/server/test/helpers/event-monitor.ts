/** Records what the core says, and lets a test wait for it. */

import type { CoreEvent, EventSink, EventType } from '../../src/core/events.ts';

type EventOf<T extends EventType> = Extract<CoreEvent, { readonly type: T }>;

export class EventMonitor implements EventSink {
  readonly events: CoreEvent[] = [];
  readonly #waiting = new Set<() => void>();

  emit(event: CoreEvent): void {
    this.events.push(event);
    for (const look of [...this.#waiting]) look();
  }

  all<T extends EventType>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type);
  }

  count(type: EventType): number {
    return this.all(type).length;
  }

  /** The next event of the type that has not happened yet. */
  next<T extends EventType>(type: T): Promise<EventOf<T>> {
    const seen = this.count(type);
    return new Promise((resolve) => {
      const look = (): void => {
        const event = this.all(type)[seen];
        if (!event) return;
        this.#waiting.delete(look);
        resolve(event);
      };
      this.#waiting.add(look);
    });
  }
}
