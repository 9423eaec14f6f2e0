/** Reads a request's body as text, never more of it than allowed: a longer one is given up while it still streams. */

import { ZhongkongError } from '../core/errors.ts';

/** Larger than any body of ours by far. */
export const MAX_BODY_BYTES = 64 * 1024;

/** Throws `payload_too_large`, or `invalid_request` for what is no UTF-8 or broke off. */
export async function readBoundedBody(request: Request, maxBytes: number = MAX_BODY_BYTES): Promise<string> {
  const tooLarge = () => new ZhongkongError('payload_too_large', `the body is larger than ${maxBytes} bytes`);
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) {
    await request.body?.cancel().catch(() => undefined);
    throw tooLarge();
  }
  if (request.body === null) return '';
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new ZhongkongError('invalid_request', 'the body broke off', { cause });
    });
    if (done) break;
    bytes += value.byteLength;
    if (bytes > maxBytes) {
      await reader.cancel().catch(() => undefined);
      throw tooLarge();
    }
    text += decode(decoder, value);
  }
  return text + decode(decoder);
}

function decode(decoder: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch (cause) {
    throw new ZhongkongError('invalid_request', 'the body is not UTF-8', { cause });
  }
}
