// The form: each bid is sent until it is answered, under one key, so it is placed once.

import { pounds } from "./bids.js";
import { place } from "./place.js";

const ROUND = [[50, 2], [100, 5], [500, 10], [1000, 25], [Infinity, 50]];

export function keepBidding(form, { placed, price }) {
  const { amount, csrfmiddlewaretoken: token } = form.elements;
  const chips = form.querySelector("#chips");
  let turn = Promise.resolve();
  let latest = null;

  function follow(newPrice) {
    const above = Number(newPrice);
    const step = ROUND.find(([below]) => above < below)[1];
    amount.min = (above + 0.01).toFixed(2);
    [1, 2, 5].forEach((times, at) => offer(chips.children[at], above + times * step));
  }

  function offer(chip, sum) {
    chip.textContent = pounds(sum).replace(/\.00$/, "");
    chip.value = sum.toFixed(2);
  }

  function refuse(reason) {
    form.querySelector("#bid-error").textContent = reason;
    amount.setAttribute("aria-invalid", String(Boolean(reason)));
    if (reason) amount.focus();
  }

  function submit(event) {
    event.preventDefault();
    // Pressed twice it is one bid; another amount waits until the first is answered. Not a
    // disabled button: that would lose the focus of who pressed it.
    const sum = amount.value;
    if (sum === latest) return;
    latest = sum;
    turn = turn.then(() => send(sum));
  }

  async function send(sum) {
    form.classList.add("busy");
    refuse("");
    const { bid, reason } = await place(form.dataset.api, sum, token.value);
    form.classList.remove("busy");
    if (latest === sum) latest = null;
    if (!bid) return refuse(reason);
    // Somebody quick has typed the next one by now.
    if (amount.value === sum) amount.value = "";
    placed(bid);
  }

  chips.append(...[1, 2, 3].map(() => Object.assign(document.createElement("button"), { type: "button", className: "chip" })));
  chips.hidden = false;
  chips.addEventListener("click", ({ target }) => {
    if (!target.value) return;
    amount.value = target.value;
    form.querySelector(".row button").focus();
  });
  form.addEventListener("submit", submit);
  follow(price);
  return { follow };
}
