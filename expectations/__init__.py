"""The two gates: is this delivery fit to transform, and are these figures fit to publish?"""

import os

# Great Expectations reads these once, when it is first imported: nothing is ever sent anywhere.
os.environ["GX_ANALYTICS_ENABLED"] = "False"
os.environ["DO_NOT_TRACK"] = "1"
