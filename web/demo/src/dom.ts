/** A few words for making elements. Text is only ever text: nothing here reads markup. */

type Child = Node | string;
type Properties = Record<string, string | (() => void)>;

/** An element with attributes (`onclick` and such are functions) and children. */
export function make(tag: string, properties: Properties = {}, ...children: Child[]): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function button(label: string, onclick: () => void, properties: Properties = {}): HTMLElement {
  return make("button", { type: "button", onclick, ...properties }, label);
}

/** A labelled field with a button; what was typed is handed over, and the field emptied. */
export function field(
  name: string,
  placeholder: string,
  action: string,
  onSubmit: (text: string) => void,
  onKey?: () => void,
): HTMLElement {
  const properties = { "aria-label": name, placeholder, maxlength: "1000", autocomplete: "off" };
  const input = make("input", properties) as HTMLInputElement;
  const form = make("form", { class: "row" }, input, make("button", {}, action));
  if (onKey) input.addEventListener("input", onKey);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    input.value = "";
    if (text) onSubmit(text);
  });
  return form;
}

/** A titled part of a person's column. */
export function card(title: string, ...children: Child[]): HTMLElement {
  return make("section", { class: "card" }, make("h3", {}, title), ...children);
}

/** A list that can be scrolled, by keyboard too. */
export function list(name: string, className: string): HTMLElement {
  return make("ul", { class: `scroll ${className}`, tabindex: "0", "aria-label": name });
}

/** One line of a list, which follows what it shows. */
export interface Line<T> {
  readonly element: HTMLElement;
  update(item: T): void;
}

/**
 * What a list shows, a line for each item. A line that is there already is told what changed, and stays where it is: the page is
 * drawn anew whenever somebody else does something, and no click, focus or half-written word may be lost to that.
 */
export class Lines<T extends { id: number }> {
  #lines = new Map<number, Line<T>>();

  constructor(
    private readonly list: HTMLElement,
    private readonly create: (item: T) => Line<T>,
  ) {}

  show(items: T[]): void {
    const lines = new Map(items.map((item) => [item.id, this.#lines.get(item.id) ?? this.create(item)]));
    for (const [id, { element }] of this.#lines) if (!lines.has(id)) element.remove();
    for (const item of items) lines.get(item.id)?.update(item);
    [...lines.values()].forEach(({ element }, index) => {
      const there = this.list.children[index] ?? null;
      if (there !== element) this.list.insertBefore(element, there);
    });
    this.#lines = lines;
  }
}

/** Asks, and takes the answer unless that of a later question is there already. What could not be asked is asked at the next notice. */
export function newest<T>(ask: () => Promise<T>, take: (answer: T) => void): () => Promise<void> {
  let asked = 0;
  let taken = 0;
  return async () => {
    const mine = ++asked;
    const answer = await ask().catch(() => undefined);
    if (answer === undefined || mine < taken) return;
    taken = mine;
    take(answer);
  };
}

/** Replaces what is in an element. */
export function fill(element: HTMLElement, children: Child[]): void {
  element.replaceChildren(...children);
}
