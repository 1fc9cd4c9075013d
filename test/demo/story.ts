import { styleText } from 'node:util';

/** Where the story is told, and how: colours are for terminals only. */
export interface Page {
  readonly write: (text: string) => void;
  readonly hasColours: boolean;
}

/** Tells the demo on a terminal: numbered steps with the time since the beginning, facts below them. */
export class Story {
  readonly #page: Page;
  readonly #startedMs = performance.now();
  #steps = 0;

  constructor(page: Page) {
    this.#page = page;
  }

  title(text: string): void {
    this.#line(this.#paint('bold', text));
  }

  /** Begins the next step. */
  step(text: string): void {
    const seconds = ((performance.now() - this.#startedMs) / 1000).toFixed(1).padStart(6);
    this.#line('');
    this.#line(`${this.#paint('dim', `${seconds} s`)}  ${this.#paint('bold', `${++this.#steps}. ${text}`)}`);
  }

  /** A fact of the current step. */
  fact(text: string): void {
    for (const line of text.split('\n')) this.#line(`          ${line}`);
  }

  /** Something that was checked, with the result in colour. */
  check(isGood: boolean, text: string): void {
    const mark = isGood ? this.#paint('green', 'yes') : this.#paint('red', 'NO ');
    this.#line(`     ${mark}  ${text}`);
  }

  /** A command as it ran. */
  command(name: string, text: string): void {
    this.#line(`          ${this.#paint('dim', `${name}:`)}`);
    this.#line(`            ${this.#paint('cyan', text)}`);
  }

  #line(text: string): void {
    this.#page.write(`${text}\n`);
  }

  #paint(style: 'bold' | 'dim' | 'green' | 'red' | 'cyan', text: string): string {
    return this.#page.hasColours ? styleText(style, text) : text;
  }
}
