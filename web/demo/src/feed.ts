/** Posts with likes and reactions; the opened one with its comments, live. */
import { Cache } from "../../client/src/cache.js";
import { Notices, type Client } from "../../client/src/index.js";
import { button, card, field, fill, list, make } from "./dom.js";
import type { Comment, Page, Post } from "./types.js";

const EMOJIS = ["👏", "🎉", "😮"];

export class Feed {
  readonly element: HTMLElement;
  readonly #list = list("Posts", "feed");
  readonly #more = make("div");
  readonly #comments = new Map<number, Comment>();
  readonly #cache = new Cache();
  #posts: Post[] = [];
  #open: number | undefined;
  /** Where comments on the open post are written. It outlives drawings, with what is typed into it. */
  #input = make("form");

  constructor(private readonly client: Client) {
    const post = field("New post", "What is new?", "Post", (text) => void this.#write(text));
    this.element = card("Feed", post, this.#more, this.#list);
    const notices = new Notices({
      isActive: () => document.visibilityState === "visible",
      isAtTop: () => this.#list.scrollTop < 8,
      refresh: () => void this.refresh(),
      indicate: (count) => {
        const show = button(`Show ${count} new`, () => notices.take());
        fill(this.#more, count ? [show] : []);
      },
    });
    for (const type of ["new_posts_available", "feed_update_available", "group_content_update"]) {
      client.on(type, ({ data }) => notices.add(Number(data?.["count"] ?? 1)));
    }
    client.on("notification", ({ data }) => {
      if (data?.["subtype"] === "like" || data?.["subtype"] === "comment") void this.refresh();
    });
    client.on("new_comment", ({ data }) => this.#hear(data as unknown as Comment & { post_id: number }));
    client.on("reaction_count", ({ data }) => {
      const post = this.#posts.find(({ id }) => id === data?.["post_id"]);
      if (post) post.reactions = data?.["reactions"] as Record<string, number>;
      this.#draw();
    });
    client.on("resync", () => void this.refresh());
  }

  show(posts: Post[]): void {
    this.#posts = posts;
    this.#draw();
  }

  async refresh(): Promise<void> {
    // What is not there now is there at the next notice.
    const page = await this.client.request("GET", "/feed?type=public&limit=10").catch(() => undefined);
    if (page) this.show((page as Page<Post>).items);
  }

  async #write(content: string): Promise<void> {
    await this.client.request("POST", "/posts", { content });
    await this.refresh();
  }

  async #change(method: string, path: string, body?: unknown): Promise<void> {
    await this.client.request(method, path, body);
    await this.refresh();
  }

  async #toggle(post: Post): Promise<void> {
    const last = this.#open;
    this.#open = last === post.id ? undefined : post.id;
    this.#comments.clear();
    this.#input = field("Comment", "Comment", "Say", (text) => void this.#comment(post, text));
    if (last !== undefined) this.client.leave(last).catch(() => {});
    this.#draw();
    if (this.#open === undefined) return;
    this.client.join(post.id).catch(() => {});
    const load = () =>
      this.client.request("GET", `/posts/${post.id}/comments?limit=20`) as Promise<Page<Comment>>;
    for (const comment of (await this.#cache.get("comments", post.id, load)).items) {
      this.#comments.set(comment.id, comment);
    }
    this.#draw();
  }

  #hear(comment: Comment & { post_id: number }): void {
    this.#cache.drop("comments", comment.post_id);
    if (comment.post_id !== this.#open) return;
    this.#comments.set(comment.id, comment);
    this.#draw();
  }

  async #comment(post: Post, content: string): Promise<void> {
    const comment = (await this.client.request("POST", `/posts/${post.id}/comments`, { content })) as Comment;
    this.#hear({ ...comment, post_id: post.id });
  }

  #draw(): void {
    const focused = this.#input.contains(document.activeElement) ? document.activeElement : undefined;
    fill(
      this.#list,
      this.#posts.map((post) => this.#line(post)),
    );
    // Moving it took the focus away.
    (focused as HTMLElement | undefined)?.focus();
  }

  #line(post: Post): HTMLElement {
    const like = button(
      `♥ ${post.like_count}`,
      () => void this.#change(post.liked_by_me ? "DELETE" : "PUT", `/posts/${post.id}/like`),
      { "aria-label": `Like, ${post.like_count}`, "aria-pressed": `${post.liked_by_me}` },
    );
    const reactions = EMOJIS.map((emoji) => {
      const count = post.reactions?.[emoji] ?? 0;
      const react = () => void this.#change("PUT", `/posts/${post.id}/reaction`, { emoji });
      return button(`${emoji} ${count}`, react, { "aria-label": `React ${emoji}, ${count}` });
    });
    const isOpen = this.#open === post.id;
    const comments = button(`Comments ${post.comment_count}`, () => void this.#toggle(post), {
      "aria-expanded": `${isOpen}`,
    });
    const head = make("p", {}, make("strong", {}, post.author.username), " ", post.content);
    const line = make(
      "li",
      { class: "line" },
      head,
      make("div", { class: "row" }, like, ...reactions, comments),
    );
    if (isOpen) line.append(this.#room());
    return line;
  }

  #room(): HTMLElement {
    const inOrder = [...this.#comments.values()].sort((a, b) => a.id - b.id);
    const lines = inOrder.map(({ author, content }) =>
      make("li", {}, make("strong", {}, author.username), " ", content),
    );
    return make("div", {}, make("ul", {}, ...lines), this.#input);
  }
}
