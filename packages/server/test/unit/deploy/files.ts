/** The files of `deploy/`, read as the platforms read them. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';

export const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
const DEPLOY = join(ROOT, 'deploy');

export const read = (path: string): string => readFileSync(join(DEPLOY, path), 'utf8');

/** Paths below `deploy/`. */
export const FILES: readonly string[] = readdirSync(DEPLOY, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(DEPLOY.length + 1));

type Env = Readonly<Record<string, string>>;

interface Service {
  readonly environment?: Env;
  readonly secrets?: readonly string[];
  /** A list where no address is given. */
  readonly networks?: Readonly<Record<string, { readonly ipv4_address?: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly ports?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

export const compose = parse(read('compose/compose.yaml'), { merge: true }) as Compose;
/** The servers among the services. */
export const composed = Object.entries(compose.services).filter(([name]) => name.startsWith('zhongkong-'));

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

export interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

/** Kubernetes reads YAML 1.1, where 0440 is octal. By kind. */
const objects = (path: string) =>
  Object.fromEntries(parseAllDocuments(read(path), { version: '1.1' }).map((document) => [document.get('kind'), document.toJS()]));

export const kubernetes = { ...objects('kubernetes/zhongkong.yaml'), ...objects('kubernetes/secret.yaml') };
export const pod = kubernetes.Deployment.spec.template.spec;
export const container: Container = pod.containers[0];

/** `[section, name, value]` of each line of the unit. */
export const unit = read('systemd/zhongkong.service')
  .split('\n')
  .flatMap((line) => {
    const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, value ?? ''] as const];
  });
export const unitValues = (name: string): string[] => unit.filter(([key]) => key === name).map(([, value]) => value);

/** `NAME=value` lines, as systemd and Docker read them. */
export const envOf = (lines: readonly string[]): Env =>
  Object.fromEntries(
    lines.filter((line) => /^[A-Z_]+=/.test(line)).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

/** What the image sets. */
export const imageEnv = envOf(
  (/^ENV (.*)$/m.exec(read('docker/Dockerfile'))?.[1] ?? '').split(' ').filter((pair) => pair.startsWith('ZHONGKONG_')),
);
