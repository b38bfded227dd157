"""What the pages call their figures, and what each says in a sentence of plain words; docs/insights.md says it in full."""

from __future__ import annotations

from api.inbox.i18n import N_

SECTIONS = {
    "volume": N_("Volume"),
    "response": N_("Response"),
    "backlog": N_("Backlog"),
    "drafts": N_("Drafts"),
    "model": N_("Model"),
    "repeats": N_("Repeats"),
    "anomalies": N_("What stands out"),
    "suppliers": N_("Suppliers"),
}
DIMENSIONS = {
    "channel": N_("Channel"),
    "language": N_("Language"),
    "region": N_("Market"),
    "intent": N_("Intent"),
    "urgency": N_("Urgency"),
    "product": N_("Product"),
    "supplier": N_("Supplier"),
    "model": N_("Model version"),
}
BY = {
    "channel": N_("By channel"),
    "language": N_("By language"),
    "region": N_("By market"),
    "intent": N_("By intent"),
    "urgency": N_("By urgency"),
    "product": N_("By product"),
    "supplier": N_("By supplier"),
    "model": N_("By model version"),
}
CONTACTS = N_("Messages that customers wrote; auto-replies and bounces are not counted.")
CONVERSATIONS = N_("Conversations that began with one of these messages.")
UNREAD = N_("Messages that the assistant has not read, because it is still at it or could not.")
NO_REPLY = N_("Messages that need no reply, such as a thank-you, of those that were read.")
SHARES = N_(
    "How many messages are about each, after any correction by an agent. A message about an order of two products counts for "
    "both."
)
WEEK = N_("Messages by weekday and hour of the shop's clock: the larger and darker the square, the more.")
MEDIAN = N_("Half of the customers got their first answer within this time, counted from their first message.")
P90 = N_("Nine of ten customers got their first answer within this time.")
WORKING = N_("The same half, counting only the shop's working hours.")
ON_TIME = N_(
    "Messages answered before they were due, of all that were answered or are past due. What was closed unanswered is left out."
)
OPEN_LATE = N_("Messages that are past their due time and still have no answer.")
MEDIAN_TIME = N_(
    "The time within which half of the customers got their first answer, by the day of their first message."
)
WAITING = N_("Conversations that waited for a reply at the end of each day or hour.")
WAITING_NOW = N_("Conversations in which the customer waits for a reply.")
OVERDUE = N_("Those of them that are past their due time.")
OLDEST = N_("How long the customer who waits longest has waited.")
DRAFTS = N_("Replies that the assistant wrote for these messages.")
AS_IS = N_("Drafts that were approved without a change, of those that were approved or rejected.")
EDITED = N_("Drafts that were approved with other words, of those that were approved or rejected.")
REJECTED = N_("Drafts that were rejected, of those that were approved or rejected.")
DISTANCE = N_(
    "How much of an edited draft was rewritten, in the middle of all edited ones: 0 % is nothing, 100 % is everything."
)
DECIDED = N_(
    "What people did with drafts that they decided about: approved as written, approved with changes, or rejected."
)
COVERAGE = N_("Messages for which the model named an intent, of those that it read.")
ABSTAINED = N_("Messages for which the model was not sure enough and left the intent to people.")
AGREEMENT = N_(
    "Of messages whose intent the model named and that a person has judged, those where it stood. An approved draft counts as "
    "agreement, so the truth may lie a little below."
)
LABELLED = N_("The same for messages that a person labelled. People label what is wrong, so the truth lies above.")
WITH_DRAFT = N_("Messages for which the assistant wrote a draft, of those that were read and need a reply.")
WITH_ARTICLE = N_("Messages with a draft that cites an article, of those that were read and need a reply.")
CUSTOMERS = N_(
    "Customers who had to write again: about a matter they had asked about before, or before they were answered."
)
ASKED_BEFORE = N_("Messages about a matter of which the same customer had written in another conversation.")
CHASING = N_("Messages that came while an earlier one of the same conversation still waited for an answer.")
AGAIN = N_("Messages of either kind: asked before, or chasing an answer.")
STANDS_OUT = N_(
    "Days on which more customers wrote about something than its own weekdays and trend let expect. On a day without any "
    "trouble, a false alarm comes up at most one time in twenty."
)
SUPPLIERS = N_(
    "Messages about the orders of a product for each 100 orders from one supplier. A difference is named only where chance is an "
    "unlikely cause, with all comparisons taken into account."
)
NO_DECISION = N_("Nobody has approved or rejected a draft in these days. The figures appear with the first decision.")
NO_JUDGEMENT = N_(
    "Nobody has judged the model in these days. The figures appear with the first approved draft or correction."
)
NO_ANSWER = N_("No customer has been answered in these days. The figures appear with the first reply.")
NO_DUE = N_("No message of these days was due an answer yet.")
