"""What each figure says, in a sentence, for answers and pages; docs/insights.md says it in full."""

from __future__ import annotations

DEFINITIONS: dict[str, dict[str, str]] = {
    "volume": {
        "contacts": "Messages that customers wrote; auto-replies and bounces are none.",
        "conversations": "Conversations that these contacts opened.",
        "before": "Contacts in the stretch of time of the same length just before.",
        "unread": "Contacts that the assistant has not read.",
        "by": "Contacts by each value; a contact about an order of two products counts for both. An agent's correction of "
        "intent, urgency or language goes before what the model said.",
        "week": "Contacts by weekday, Monday first, and hour of the shop's clock.",
        "deflection": "Contacts that need no reply, of those that were read.",
    },
    "response": {
        "span": "Seconds from a conversation's first contact to the first reply, of conversations that were answered; with "
        "working time counted alone where the shop has a calendar.",
        "attainment": "Contacts answered by their due time, of those answered and those unanswered past it. Contacts not due "
        "yet, and those whose conversation was closed without a reply, are left out.",
        "series": "Median seconds to the first reply, by when the first contact came.",
    },
    "backlog": {
        "series": "Conversations that waited for a reply at the end of each bucket: from the first contact that needs one until "
        "the next reply, or until somebody closed the conversation.",
        "late": "Those of them that were past their due time by then.",
    },
    "drafts": {
        "accepted": "Drafts that were approved as the assistant wrote them.",
        "edited": "Drafts that were approved with other words.",
        "accepted_share": "Accepted, of accepted, edited and rejected; with the 95 % interval of Wilson.",
        "distance": "Mean edit distance (Levenshtein, in characters, over the longer text) of approved replies from the drafts.",
        "edited_distance": "Median of the same, of edited drafts alone.",
    },
    "model": {
        "coverage": "Contacts for which the model named an intent, of those that it read.",
        "with_draft": "Contacts with a draft, of those that were read and need a reply.",
        "with_article": "Contacts with a draft that cites an article, of the same.",
        "precision": "Of contacts whose intent the model named and that a person judged, those where it stood. An approved draft "
        "without a correction counts as agreement, so this may lie above the truth.",
        "corrected": "The same, of contacts that a person labelled: people label what is wrong, so this lies below the truth.",
    },
    "repeats": {
        "asked_before": "Contacts about a matter of which the same customer had written in another conversation.",
        "chasing": "Contacts that came while an earlier one of the same conversation still waited for a reply.",
        "customers": "Customers who did either, of all customers who wrote.",
    },
    "anomalies": {
        "anomalies": "Days on which more customers wrote about something than its own weekdays and trend let expect "
        "(quasi-Poisson regression, negative binomial tail), at a false discovery rate of 5 % a day (Benjamini and Hochberg).",
        "examples": "Ids of the newest messages.",
    },
    "suppliers": {
        "per_100": "Contacts about a product's orders for each 100 orders from this supplier, with the 95 % interval of Byar.",
        "share": "Orders that a customer wrote about, of all orders of the product from this supplier, with the interval of "
        "Wilson.",
        "adjusted": "Fisher's exact test of that share against all other suppliers of the product, corrected for all comparisons "
        "(Holm).",
        "standing": "more or fewer only where adjusted is below 0.05; too_few below the smallest numbers.",
    },
}  # fmt: skip
