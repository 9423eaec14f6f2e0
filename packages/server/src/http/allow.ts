/** Which methods a path has, from the routes themselves: what a 405 says in its Allow header. */

interface RouteLike {
  readonly method: string;
  readonly path: string;
}

/** Empty: the path is nobody's. HEAD goes with GET. */
export function allowedMethods(routes: readonly RouteLike[], path: string): readonly string[] {
  const methods = new Set<string>();
  for (const route of routes) {
    if (route.method === 'ALL' || !patternOf(route.path).test(path)) continue;
    methods.add(route.method);
    if (route.method === 'GET') methods.add('HEAD');
  }
  return [...methods].sort();
}

const PATTERNS = new Map<string, RegExp>();

function patternOf(path: string): RegExp {
  let pattern = PATTERNS.get(path);
  if (!pattern) {
    pattern = new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/:[^/]+/g, '[^/]+')}$`);
    PATTERNS.set(path, pattern);
  }
  return pattern;
}
