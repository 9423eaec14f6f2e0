/** A port of the store with something done around its methods; whoever holds it sees the same port. */

export type Method = (...args: unknown[]) => unknown;

/** `around` gets each method, bound to its port, when it is asked for, and gives what is called instead. */
export function withMethods<T extends object>(port: T, around: (name: string, method: Method) => Method): T {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? around(String(name), member.bind(target) as Method) : member;
    },
  });
}
