/** Records as answers show them. Nothing secret is picked: fields are named one by one, never spread. */

import { z } from '@hono/zod-openapi';
import { isDeclared } from '../access/declared-keys.ts';
import type { Account } from '../core/account.ts';
import { type ApiKeyRecord, SCOPES } from '../core/api-key.ts';
import type { CredentialId, CredentialRecord, LeakOperation } from '../core/credential.ts';
import { instantText, rfc3339, rfc3339OrNull } from './schemas.ts';

export const credentialSchema = z
  .object({
    account: z.string(),
    kind: z.string(),
    value: z.string(),
    expires_in: z.int().openapi({ description: 'Seconds for which it may be cached blindly' }),
    expires_at: instantText(),
    issued_at: instantText(),
    generation: z.int(),
    state: z.enum(['fresh', 'due', 'suspect']),
  })
  .openapi('Credential');

export const accountSchema = z
  .object({
    id: z.string(),
    platform: z.string(),
    app_id: z.string(),
    mode: z.string(),
    enabled: z.boolean(),
    note: z.string(),
    secret_fingerprints: z.array(z.string()).openapi({ description: 'First 8 hex of SHA-256 of each secret, first and fallback' }),
    secret_revision: z.int(),
    declared: z.boolean().openapi({ description: 'Written by the configuration' }),
    created_at: instantText(),
    updated_at: instantText(),
    revision: z.int(),
  })
  .openapi('Account');

export function accountJson(account: Account): z.infer<typeof accountSchema> {
  return {
    id: account.id,
    platform: account.platform,
    app_id: account.appId,
    mode: account.mode,
    enabled: account.enabled,
    note: account.note,
    secret_fingerprints: [...account.secretFingerprints],
    secret_revision: account.secretRevision,
    declared: account.declaration !== '',
    created_at: rfc3339(account.createdAt),
    updated_at: rfc3339(account.updatedAt),
    revision: account.revision,
  };
}

export const keySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    accounts: z.array(z.string()),
    kinds: z.array(z.string()).nullable(),
    cidrs: z.array(z.string()).nullable(),
    calls_per_minute: z.int().nullable(),
    sealed: z.boolean(),
    expires_at: instantText().nullable(),
    revoked_at: instantText().nullable(),
    created_at: instantText().nullable(),
    declared: z.boolean().openapi({ description: 'Stands in the configuration; read-only here' }),
  })
  .openapi('ApiKey');

export function keyJson(record: ApiKeyRecord): z.infer<typeof keySchema> {
  const declared = isDeclared(record.id);
  return {
    id: record.id,
    name: record.name,
    scopes: [...record.scopes],
    accounts: [...record.accounts],
    kinds: record.kinds && [...record.kinds],
    cidrs: record.cidrs && [...record.cidrs],
    calls_per_minute: record.callsPerMinute,
    sealed: record.sealed,
    expires_at: rfc3339OrNull(record.expiresAt),
    revoked_at: rfc3339OrNull(record.revokedAt),
    created_at: declared ? null : rfc3339(record.createdAt),
    declared,
  };
}

export const leakSchema = z
  .object({
    id: z.string(),
    type: z.literal('revoke_leaked'),
    account: z.string(),
    kind: z.string(),
    status: z.enum(['running', 'done']),
    reason: z.string(),
    confirmed_issues: z.int(),
    needed_issues: z.int(),
    started_at: instantText(),
    next_at: instantText().nullable(),
    finished_at: instantText().nullable(),
  })
  .openapi('LeakOperation');

/** A credential has one leak operation at a time, so its start names it. */
export const leakId = ({ startedAt }: LeakOperation): string => `leak-${startedAt.toString(36)}`;

export function leakJson({ account, kind }: CredentialId, leak: LeakOperation): z.infer<typeof leakSchema> {
  const isRunning = leak.finishedAt === null;
  return {
    id: leakId(leak),
    type: 'revoke_leaked',
    account,
    kind,
    status: isRunning ? 'running' : 'done',
    reason: leak.reason,
    confirmed_issues: leak.confirmedIssues,
    needed_issues: leak.neededIssues,
    started_at: rfc3339(leak.startedAt),
    next_at: isRunning ? rfc3339(leak.nextAt) : null,
    finished_at: rfc3339OrNull(leak.finishedAt),
  };
}

/** The operation of a record, when it is this one. */
export function leakOf(record: CredentialRecord, id: string): LeakOperation | null {
  return record.leak && leakId(record.leak) === id ? record.leak : null;
}
