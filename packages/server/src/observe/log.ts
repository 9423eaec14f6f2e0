/**
 * The log: one JSON object per line, through pino.
 *
 * Nothing secret leaves here: known field names are censored, and every finished line is scrubbed (`redact.ts`).
 */

import { type DestinationStream, type Logger, pino } from 'pino';
import type { CoreEvent, EventBus } from '../core/events.ts';
import type { AlarmChange, Alarms } from './alarms.ts';
import { lineOf } from './event-lines.ts';
import { CENSORED, REDACTED_PATHS, scrub } from './redact.ts';

export type { Logger };

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export interface LogOptions {
  readonly level: (typeof LOG_LEVELS)[number];
  /** Where lines go. Default: standard output. */
  readonly destination?: DestinationStream;
}

/** A logger that cannot print a secret it recognises. */
export function createLogger({ level, destination }: LogOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: [...REDACTED_PATHS], censor: CENSORED },
    hooks: { streamWrite: scrub },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** Log every core event; returns the way to stop. */
export function logEvents(bus: EventBus, logger: Logger): () => void {
  return bus.on((event: CoreEvent) => {
    const { level, message, fields } = lineOf(event);
    logger[level]({ event: event.type, ...fields }, message);
  });
}

/** Log every alarm raised or cleared; returns the way to stop. */
export function logAlarms(alarms: Alarms, logger: Logger): () => void {
  return alarms.on(({ change, alarm }: AlarmChange) => {
    const { code, severity, account, kind, cause, advice, since } = alarm;
    const level = change === 'cleared' ? 'info' : severity === 'critical' ? 'error' : 'warn';
    const fields = { event: `alarm.${change}`, code, severity, account, kind, since: new Date(since).toISOString() };
    logger[level]({ ...fields, ...(change === 'raised' ? { advice: advice.en, advice_zh: advice.zh } : {}) }, `alarm ${change}: ${cause}`);
  });
}
