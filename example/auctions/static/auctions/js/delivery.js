// The quote for delivery, from another service, when somebody wants to know.

import { ask } from "./ask.js";
import { pounds } from "./bids.js";

export function offerDelivery(button, shown) {
  async function quote() {
    const response = await ask("API: delivery", button.dataset.api).catch(() => null);
    const answer = await response?.json().catch(() => null);
    shown.textContent = response?.ok
      ? `${pounds(answer.price)} from ${answer.origin}, by ${answer.carrier}`
      : "The carrier does not answer just now.";
  }
  button.hidden = false;
  button.addEventListener("click", quote);
}
