/** One post of the feed: likes, reactions, and, when it is open, its comments. */
import { Lines, button, field, make, type Line } from "./dom.js";
import type { Comment, Post } from "./types.js";

const EMOJIS = ["👏", "🎉", "😮"];

/** A post, with its comments when it is open. */
export type Shown = Post & { comments?: Comment[] };

/** What a person does to a post. */
export interface Acts {
  like(post: Post): void;
  react(post: Post, emoji: string): void;
  toggle(post: Post): void;
  comment(post: Post, text: string): void;
}

export class PostLine implements Line<Shown> {
  readonly element: HTMLElement;
  readonly #like: HTMLElement;
  readonly #reactions: HTMLElement[];
  readonly #toggle: HTMLElement;
  readonly #room: HTMLElement;
  readonly #comments: Lines<Comment>;
  #post: Post;

  constructor(post: Post, acts: Acts) {
    this.#post = post;
    this.#like = button("", () => acts.like(this.#post));
    this.#reactions = EMOJIS.map((emoji) => button("", () => acts.react(this.#post, emoji)));
    this.#toggle = button("", () => acts.toggle(this.#post));
    const said = make("ul");
    this.#comments = new Lines(said, commentLine);
    this.#room = make(
      "div",
      {},
      said,
      field("Comment", "Comment", "Say", (text) => acts.comment(this.#post, text)),
    );
    const head = make("p", {}, make("strong", {}, post.author.username), " ", post.content);
    const row = make("div", { class: "row" }, this.#like, ...this.#reactions, this.#toggle);
    this.element = make("li", { class: "line" }, head, row);
  }

  update(post: Shown): void {
    this.#post = post;
    label(this.#like, `♥ ${post.like_count}`, `Like, ${post.like_count}`);
    this.#like.setAttribute("aria-pressed", `${post.liked_by_me}`);
    EMOJIS.forEach((emoji, index) => {
      const count = post.reactions?.[emoji] ?? 0;
      label(this.#reactions[index]!, `${emoji} ${count}`, `React ${emoji}, ${count}`);
    });
    this.#toggle.textContent = `Comments ${post.comment_count}`;
    this.#toggle.setAttribute("aria-expanded", `${post.comments !== undefined}`);
    if (!post.comments) this.#room.remove();
    else if (!this.#room.parentElement) this.element.append(this.#room);
    this.#comments.show(post.comments ?? []);
  }
}

function commentLine({ author, content }: Comment): Line<Comment> {
  return { element: make("li", {}, make("strong", {}, author.username), " ", content), update: () => {} };
}

function label(element: HTMLElement, text: string, spoken: string): void {
  element.textContent = text;
  element.setAttribute("aria-label", spoken);
}
