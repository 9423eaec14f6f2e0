/** Randomness as a parameter of the core. */
export interface Random {
  /** Uniform in [0, 1). Not for secrets. */
  unit(): number;
}
