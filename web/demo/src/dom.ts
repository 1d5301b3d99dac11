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

/** Replaces what is in an element, and leaves what has the focus alone if it is none of it. */
export function fill(element: HTMLElement, children: Child[]): void {
  element.replaceChildren(...children);
}
