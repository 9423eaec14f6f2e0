/** What an operator can set of how credentials are kept; parsed and bounded by the configuration. */

export interface KeeperSettings {
  /** Bound of one upstream call, ms. */
  readonly upstreamDeadlineMs: number;
  /** Length of a lease, ms; longer than the few calls a report may need. */
  readonly leaseMs: number;
  /** Shortest time between two verifications of one credential, ms. */
  readonly reportCooldownMs: number;
  /** Most records kept in memory. */
  readonly cacheSize: number;
}
