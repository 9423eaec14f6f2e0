/** @zhongkong/simulator: a program that behaves like WeChat's credential endpoints, for tests. */
export { createVirtualClock, createWallClock, type SimClock } from './clock.ts';
export type { AccountInput } from './control/account-input.ts';
export { type Control, NoSuchAccount } from './control/control.ts';
export type { AccountView, ChainView, TokenView } from './control/views.ts';
export type { Fault, FaultScope } from './faults/faults.ts';
export type { FaultFields, FaultKind } from './faults/kinds.ts';
export type { Sleep } from './handle.ts';
export { InputError } from './input.ts';
export { CHECK_ORDER, type CheckName, DEFAULT_KNOBS, type Knobs, type Limit } from './knobs.ts';
export { createSimulator, type Simulator, type SimulatorOptions } from './simulator.ts';
export type { CountersView } from './state/counters.ts';
export { AUTO_SECRET } from './state/directory.ts';
export type { Call, Outcome, Reply } from './wire.ts';
