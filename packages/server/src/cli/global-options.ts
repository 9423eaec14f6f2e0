/** Options that every command takes, and the configuration they lead to. */

import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { PLATFORM_MODES } from '../platforms/index.ts';
import type { Io } from './io.ts';

export interface GlobalOptions {
  /** `--config FILE`. */
  readonly config?: string;
  /** By option name, e.g. `{ store: 'sqlite:…' }`. */
  readonly flags: Readonly<Record<string, string>>;
}

/** The configuration as this command sees it; `serving`: as a server needs it. Throws `config_invalid`. */
export const configOf = ({ config, flags }: GlobalOptions, { env, cwd }: Io, serving = false): Promise<Config> =>
  loadConfig({ flags, env, cwd, file: config, platforms: PLATFORM_MODES, serving });
