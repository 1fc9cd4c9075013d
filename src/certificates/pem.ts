/** One `-----BEGIN …-----` block. */
export interface PemBlock {
  /** What stands after BEGIN: `CERTIFICATE`, `EC PRIVATE KEY`. */
  readonly label: string;
  /** The block with its BEGIN and END lines, `\n` as line ends, and a newline at the end. */
  readonly text: string;
  /** The line of the BEGIN line, from 1. */
  readonly line: number;
  /** What the block's lines stand for. */
  readonly der: Buffer;
}

const begin = /^-----BEGIN ([^-]+)-----\s*$/;

/**
 * The PEM blocks of a text, in order. As OpenSSL does, it skips whatever stands between them; a block
 * without its END line is left out.
 */
export function splitPem(text: string): readonly PemBlock[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const blocks: PemBlock[] = [];
  let open: { label: string; from: number } | undefined;
  for (const [index, line] of lines.entries()) {
    const label = begin.exec(line)?.[1];
    if (label !== undefined) open = { label, from: index };
    if (open === undefined || line.trimEnd() !== `-----END ${open.label}-----`) continue;
    const body = lines.slice(open.from, index + 1).map((part) => part.trimEnd());
    blocks.push({
      label: open.label,
      text: `${body.join('\n')}\n`,
      line: open.from + 1,
      der: Buffer.from(body.slice(1, -1).join(''), 'base64'),
    });
    open = undefined;
  }
  return blocks;
}

/** `X509 CERTIFICATE` is an old name; `TRUSTED CERTIFICATE` carries OpenSSL's trust settings as well. */
export function isCertificateBlock(block: PemBlock): boolean {
  return ['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'].includes(block.label);
}

export function isCrlBlock(block: PemBlock): boolean {
  return block.label === 'X509 CRL';
}

export function isKeyBlock(block: PemBlock): boolean {
  return /(^| )PRIVATE KEY$/.test(block.label);
}

/** Both styles: PKCS#8 says it in the label, OpenSSL's traditional format in a header. */
export function isEncryptedBlock(block: PemBlock): boolean {
  return block.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: *4, *ENCRYPTED$/m.test(block.text);
}

/** Whether the bytes look like DER: a SEQUENCE whose length is that of the whole file. */
export function looksLikeDer(bytes: Uint8Array): boolean {
  const [tag, first] = bytes;
  if (tag !== 0x30 || first === undefined) return false;
  if (first < 0x80) return bytes.length === first + 2;
  const count = first & 0x7f;
  if (count === 0 || count > 4 || bytes.length < count + 2) return false;
  const length = bytes.subarray(2, 2 + count).reduce((sum, byte) => sum * 256 + byte, 0);
  return bytes.length === length + count + 2;
}
