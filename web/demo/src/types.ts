/** What the demo page reads of the API's answers. */

export interface Person {
  id: number;
  username: string;
  name?: string;
}

export interface Post {
  id: number;
  content: string;
  author: Person;
  group_id: number | null;
  like_count: number;
  comment_count: number;
  liked_by_me: boolean;
  reactions?: Record<string, number>;
  my_reaction?: string | null;
}

export interface Comment {
  id: number;
  content: string;
  author: Person;
}

export interface Message {
  id?: number;
  message_id?: number;
  conversation_id: number;
  seq: number;
  content: string;
  client_message_id: string | null;
  sender: Person;
  deleted_at?: string | null;
}

export interface Notification {
  id: number;
  message: string;
  is_read: boolean;
  type: string;
}

export interface Group {
  id: number;
  name: string;
  member_count: number;
}

export interface Conversation {
  id: number;
  peer: Person | null;
  peer_read_seq: number | null;
}

export interface Page<T> {
  items: T[];
}

export interface Presence {
  user_id: number;
  online: boolean;
}

export interface Bootstrap {
  me: Person;
  conversations: Page<Conversation>;
  notifications: Page<Notification> & { unread_count: number };
  groups: Page<Group>;
  feed: Page<Post>;
  channels: Record<string, { epoch: string; offset: number }>;
  sync_cursor: string;
}
