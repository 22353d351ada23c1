import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Keys, certificates and signatures by the `openssl` program, as signers of images make them. */
export class SigningDesk {
  #count = 0;
  #dsaParameters: string | undefined;

  /** `certificates` is the directory of the plugin. */
  constructor(
    private readonly directory: string,
    private readonly certificates: string,
  ) {}

  /** A private key: `RSA:2048`, `DSA`, or the name of a curve. Answers the path of its file. */
  key(kind: string): string {
    const file = this.#file('key');
    if (kind === 'DSA') {
      this.#dsaParameters ??= this.#parameters();
      this.#run('genpkey', '-paramfile', this.#dsaParameters, '-out', file);
    } else if (kind.startsWith('RSA:')) {
      const bits = `rsa_keygen_bits:${kind.slice('RSA:'.length)}`;
      this.#run('genpkey', '-algorithm', 'RSA', '-pkeyopt', bits, '-out', file);
    } else {
      const curve = `ec_paramgen_curve:${kind}`;
      this.#run('genpkey', '-algorithm', 'EC', '-pkeyopt', curve, '-out', file);
    }
    return file;
  }

  /** An authority: a self-signed certificate, or one that `by` has issued. */
  authority(options: { readonly by?: Authority; readonly constraints?: string } = {}): Authority {
    const { by, constraints = 'critical,CA:TRUE' } = options;
    const key = this.key('prime256v1');
    const extensions = [`basicConstraints=${constraints}`, 'keyUsage=critical,keyCertSign,cRLSign'];
    const certificate = this.#certificate(key, by, extensions);
    return { key, certificate };
  }

  /** A signer's certificate, by an authority or by itself. Answers the path of its file. */
  certificate(key: string, by?: Authority): string {
    return this.#certificate(key, by, ['keyUsage=critical,digitalSignature']);
  }

  /** Puts certificates where the plugin looks for them; answers their id. */
  publish(...files: readonly string[]): string {
    const id = randomUUID();
    const target = path.join(this.certificates, `${id}.pem`);
    const [only] = files;
    if (files.length === 1 && only !== undefined) copyFileSync(only, target);
    else writeFileSync(target, files.map((file) => readFileSync(file, 'utf8')).join(''));
    return id;
  }

  /** Signature in base64 over a file. @param hash as `SHA-256` @param salt `max`, `digest`, … */
  sign(key: string, hash: string, file: string, salt: string | undefined): string {
    const pss =
      salt === undefined
        ? []
        : ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', `rsa_pss_saltlen:${salt}`];
    const digest = `-${hash.replace('-', '').toLowerCase()}`;
    return this.#run('dgst', digest, '-sign', key, ...pss, file).toString('base64');
  }

  #certificate(key: string, by: Authority | undefined, extensions: readonly string[]): string {
    const [file, request, described] = [this.#file('pem'), this.#file('csr'), this.#file('ext')];
    writeFileSync(described, extensions.join('\n'));
    this.#run(
      'req',
      '-new',
      '-key',
      key,
      '-subj',
      `/O=Stowage tests/CN=${path.basename(file)}`,
      '-out',
      request,
    );
    const signing =
      by === undefined
        ? ['-signkey', key]
        : ['-CA', by.certificate, '-CAkey', by.key, '-set_serial', String(this.#count)];
    this.#run(
      'x509',
      '-req',
      '-in',
      request,
      '-days',
      '3650',
      '-extfile',
      described,
      ...signing,
      '-out',
      file,
    );
    return file;
  }

  #parameters(): string {
    const file = this.#file('dsa');
    const sizes = ['-pkeyopt', 'dsa_paramgen_bits:2048', '-pkeyopt', 'dsa_paramgen_q_bits:256'];
    this.#run('genpkey', '-genparam', '-algorithm', 'DSA', ...sizes, '-out', file);
    return file;
  }

  #file(ending: string): string {
    this.#count += 1;
    return path.join(this.directory, `${this.#count}.${ending}`);
  }

  #run(...args: readonly string[]): Buffer {
    return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  }
}

/** Paths of files. */
export interface Authority {
  readonly key: string;
  readonly certificate: string;
}
