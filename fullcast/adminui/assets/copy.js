// Puts a copy button beside each value of the setup guide that is pasted, and the local time before each time in UTC. Without scripts
// the values are there to be selected.
"use strict";
for (const value of document.querySelectorAll("code.copy")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy plain";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy " + value.textContent);
  button.addEventListener("click", async () => {
    let word = "Copied";
    try {
      await navigator.clipboard.writeText(value.textContent);
    } catch {
      getSelection().selectAllChildren(value);
      word = "Selected";
    }
    button.textContent = word;
    document.getElementById("copied").textContent = word + ": " + value.textContent;
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  value.after(" ", button);
}
for (const time of document.querySelectorAll("time")) {
  const local = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "long", timeStyle: "short" });
  time.textContent = local + " (" + time.textContent + ")";
}
