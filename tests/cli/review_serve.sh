# SPDX-License-Identifier: Apache-2.0
# The review's server: strangers, garbage, 10,000 requests, reviewers at once, kill -9, restart, adjudication.
. "$TESTS/lib.sh"
"$MAKE_REVIEW" review.db tokens
"$python" "$TESTS/review_serve.py" "$LIKENESS" review.db tokens
#out 138 answers of 3 reviewers over 4 kills, 0 problems
