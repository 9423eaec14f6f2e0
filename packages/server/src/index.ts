/**
 * Zhongkong as a library: the same server inside a Node program of one's own.
 *
 *   const config = await loadConfig({ flags: {}, env: process.env, cwd: process.cwd(), platforms: PLATFORM_MODES });
 *   const engine = await openEngine(config);
 *   await engine.applyConfig();
 *   const server = await listen(engine, config);
 *   engine.start();
 *   …
 *   await server.close(); // drains, then stops the engine
 */

export { loadConfig } from './config/load.ts';
export type { Config } from './config/schema.ts';
export { ERROR_ADVICE, type ErrorCode, ZhongkongError } from './core/errors.ts';
export { type Engine, type EngineOptions, openEngine } from './hosts/engine.ts';
export { type Listening, listen } from './hosts/node/listen.ts';
export { PLATFORM_MODES } from './platforms/index.ts';
