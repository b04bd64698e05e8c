/** The server's messages, over a WebSocket that comes back by itself. */

const FIRST_WAIT = 400;
const LONGEST_WAIT = 5000;

export class Events {
  /** `receive(message)` gets every message, `status(connected)` every change of the connection. */
  constructor(address, receive, status) {
    this.address = address;
    this.receive = receive;
    this.status = status;
    this.wait = FIRST_WAIT;
    this.closed = false;
    this.connect();
  }

  connect() {
    if (this.closed) return;
    clearTimeout(this.timer);
    const socket = new WebSocket(this.address);
    this.socket = socket;
    socket.onopen = () => {
      this.wait = FIRST_WAIT;
      this.status(true);
    };
    socket.onmessage = (event) => {
      let message;
      try {
        message = JSON.parse(event.data);
      } catch {
        return;
      }
      this.receive(message);
    };
    socket.onclose = () => {
      if (this.closed || socket !== this.socket) return;
      this.status(false);
      this.timer = setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(LONGEST_WAIT, 1.7 * this.wait);
    };
  }

  /** Try at once instead of at the end of the wait. */
  hurry() {
    if (this.socket.readyState === WebSocket.CLOSED) this.connect();
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket.close();
  }
}
