"""Why a campaign can't be carried out."""


class CampaignError(RuntimeError):
    """Something that a person at the terminal must change or look at; the message says what."""
