/** Posts with likes and reactions; the opened one with its comments, live. */
import { Cache } from "../../client/src/cache.js";
import { Notices, type Client } from "../../client/src/index.js";
import { Lines, button, card, field, fill, list, make, newest } from "./dom.js";
import { PostLine, type Shown } from "./post.js";
import type { Comment, Page, Post } from "./types.js";

export class Feed {
  readonly element: HTMLElement;
  /** Shows the newest posts. */
  readonly refresh: () => Promise<void>;
  readonly #list = list("Posts", "feed");
  readonly #more = make("div");
  readonly #lines: Lines<Shown>;
  readonly #comments = new Map<number, Comment>();
  readonly #cache = new Cache();
  #posts: Post[] = [];
  #open: number | undefined;

  constructor(private readonly client: Client) {
    this.refresh = newest(
      () => client.request("GET", "/feed?type=public&limit=10") as Promise<Page<Post>>,
      ({ items }) => this.show(items),
    );
    this.#lines = new Lines(this.#list, (post) => this.#line(post));
    const post = field("New post", "What is new?", "Post", (text) => void this.#write(text));
    this.element = card("Feed", post, this.#more, this.#list);
    this.#listen(this.#notices());
  }

  show(posts: Post[]): void {
    this.#posts = posts;
    this.#draw();
  }

  /** Something new is shown at once to who is at the top, and announced to who reads further down. */
  #notices(): Notices {
    const notices = new Notices({
      isActive: () => document.visibilityState === "visible",
      isAtTop: () => this.#list.scrollTop < 8,
      refresh: () => void this.refresh(),
      indicate: (count) => {
        const show = button(`Show ${count} new`, () => notices.take());
        fill(this.#more, count ? [show] : []);
      },
    });
    return notices;
  }

  #listen(notices: Notices): void {
    const { client } = this;
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

  async #write(content: string): Promise<void> {
    await this.client.request("POST", "/posts", { content });
    await this.refresh();
  }

  async #change(method: string, path: string, body?: unknown): Promise<void> {
    await this.client.request(method, path, body);
    await this.refresh();
  }

  async #toggle({ id }: Post): Promise<void> {
    const last = this.#open;
    this.#open = last === id ? undefined : id;
    this.#comments.clear();
    if (last !== undefined) this.client.leave(last).catch(() => {});
    this.#draw();
    if (this.#open === undefined) return;
    this.client.join(id).catch(() => {});
    const load = () => this.client.request("GET", `/posts/${id}/comments?limit=20`) as Promise<Page<Comment>>;
    for (const comment of (await this.#cache.get("comments", id, load)).items) {
      if (this.#open === id) this.#comments.set(comment.id, comment);
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
    const comments = [...this.#comments.values()].sort((a, b) => a.id - b.id);
    this.#lines.show(this.#posts.map((post) => (post.id === this.#open ? { ...post, comments } : post)));
  }

  #line(post: Post): PostLine {
    return new PostLine(post, {
      like: ({ id, liked_by_me }) => void this.#change(liked_by_me ? "DELETE" : "PUT", `/posts/${id}/like`),
      react: ({ id }, emoji) => void this.#change("PUT", `/posts/${id}/reaction`, { emoji }),
      toggle: (post) => void this.#toggle(post),
      comment: (post, text) => void this.#comment(post, text),
    });
  }
}
