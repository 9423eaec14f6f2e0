/** What can be violated: each rule is named after the promise of the product that it is part of. */

export type Rule =
  | 'one writer: sent under a lease that outlasts the call'
  | 'one writer: issued before its time'
  | 'one writer: issued and lost without a fault'
  | 'one writer: serves what a later issue invalidated'
  | 'one writer: wrote under an old lease'
  | 'no gap: a read failed'
  | 'no gap: handed out a dead token'
  | 'no gap: handed out what was reported long ago'
  | 'no gap: in doubt for long, and dead'
  | 'no gap: memory did not serve while the store was away'
  | 'never waits: a read waited while a usable one exists'
  | 'honest lifetime: died before its told end'
  | 'nothing lost: generation went back'
  | 'nothing lost: a committed value was replaced by an older one'
  | 'fence: did not grow'
  | 'report: a superseded value was not compared'
  | 'budget: more issues than a day allows'
  | 'budget: the reserve was touched'
  | 'budget: forced issues too close'
  | 'leak: the leaked value still works'
  | 'takes effect: disabled, but served'
  | 'secrets: a plain secret was written or said'
  | 'ends: stopping did not end'
  | 'bounded: too much in the air'
  | 'internal error';

export interface Violation {
  readonly rule: Rule;
  readonly at: number;
  readonly account: string;
  readonly text: string;
}

/** Told of a violation. */
export type Violated = (rule: Rule, account: string, text: string, at?: number) => void;
