/** A plain page made of the OpenAPI document: headings in two languages, no script, nothing from elsewhere. */

import type { OpenApiDocument } from './document.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
}

interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly 'x-summary-zh'?: string;
  readonly 'x-scope'?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: unknown }>> };
  readonly responses: Readonly<Record<string, { readonly description?: string; readonly content?: Record<string, { schema?: unknown }> }>>;
}

const METHODS = ['get', 'post', 'patch', 'delete'] as const;

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, -apple-system, "PingFang SC", "Microsoft YaHei", sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8884; }
code, pre { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .9em; }
pre { background: #8881; padding: .75rem; overflow: auto; }
.scope { font-size: .85em; opacity: .75; }
table { border-collapse: collapse; } td, th { text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0; }
`;

export function docsPage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const found = (item as Partial<Record<string, Operation>>)[method];
      return found ? [{ path, method, operation: found }] : [];
    }),
  );
  const sections = (document.tags ?? []).map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags?.includes(name));
    return `<h2 id="${escape(name)}">${escape(description ?? name)}</h2>${own.map(operationHtml).join('')}`;
  });
  const schemas = Object.entries(document.components?.schemas ?? {}).map(
    ([name, schema]) => `<h3 id="schema-${escape(name)}"><code>${escape(name)}</code></h3>${code(schema)}`,
  );
  const { title, version, description } = document.info;
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title><style>${STYLE}</style></head>
<body><h1>${escape(title)} ${escape(version)}</h1><p>${escape(description ?? '')}</p>
<p>OpenAPI 3.1: <a href="/openapi.json">/openapi.json</a></p>
${sections.join('\n')}
<h2 id="schemas">Schemas 数据结构</h2>${schemas.join('')}
</body></html>
`;
}

function operationHtml({ path, method, operation }: { path: string; method: string; operation: Operation }): string {
  const { summary = '', 'x-summary-zh': zh = '', 'x-scope': scope } = operation;
  const parameters = operation.parameters ?? [];
  const rows = parameters.map(
    (one) =>
      `<tr><td><code>${escape(one.name)}</code></td><td>${escape(one.in)}${one.required ? '' : ', optional 可选'}</td><td>${escape(one.description ?? '')}</td></tr>`,
  );
  const body = operation.requestBody?.content['application/json']?.schema;
  const answers = Object.entries(operation.responses).map(([status, { description = '', content }]) => {
    const schema = Object.values(content ?? {})[0]?.schema;
    return `<tr><td><code>${escape(status)}</code></td><td>${escape(description)}</td><td>${schemaLink(schema)}</td></tr>`;
  });
  return `<h3><code>${method.toUpperCase()} ${escape(path)}</code></h3>
<p>${escape(summary)}<br>${escape(zh)}${scope === undefined ? '' : `<br><span class="scope">scope 权限：<code>${escape(scope)}</code></span>`}</p>
${rows.length > 0 ? `<p>Parameters 参数</p><table>${rows.join('')}</table>` : ''}
${body === undefined ? '' : `<p>Body 请求体 ${schemaLink(body)}</p>${reference(body) === null ? code(body) : ''}`}
<p>Answers 响应</p><table>${answers.join('')}</table>`;
}

function reference(schema: unknown): string | null {
  const target = (schema as { $ref?: unknown } | undefined)?.$ref;
  return typeof target === 'string' ? (target.split('/').at(-1) ?? null) : null;
}

function schemaLink(schema: unknown): string {
  const name = reference(schema);
  return name === null ? '' : `<a href="#schema-${escape(name)}"><code>${escape(name)}</code></a>`;
}

const code = (value: unknown): string => `<pre><code>${escape(JSON.stringify(value, null, 2))}</code></pre>`;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string): string => text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? '');
