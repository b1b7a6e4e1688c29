#include "tools/deliver/texts.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace daicho {

namespace {

using enum fb::NotificationKind;

constexpr Texts security_code_texts = {
    security_code,
    {"お客様のコード",
     "{provider}のセキュリティ コードをお届けします。\n"
     "\n"
     "お客様のコード: {code}\n"
     "\n"
     "このコードは {until} まで、1 回だけ使えます。\n"
     "新しいコードを受け取ると、それより前のコードは使えなくなります。\n"
     "\n"
     "お心当たりがない場合は、何も入力せずにこのメールを削除してください。\n"
     "コードがなければ、だれも先に進むことはできません。\n"
     "担当者がこのコードをお尋ねすることはありません。だれにも教えないでください。\n",
     "{provider}のセキュリティ コードは {code} です。\n"
     "{until} まで使えます。だれにも教えないでください。\n"},
    {"Your security code",
     "Here is your {provider} security code.\n"
     "\n"
     "Your code: {code}\n"
     "\n"
     "It works once, until {until}.\n"
     "When you ask for a new code, earlier ones stop working.\n"
     "\n"
     "If you did not ask for a code, enter it nowhere and delete this mail.\n"
     "Without the code nobody gets any further.\n"
     "Nobody at {provider} will ever ask you for it. Keep it to yourself.\n",
     "Your {provider} security code is {code}.\n"
     "It works until {until}. Keep it to yourself.\n"}};

constexpr Texts proof_link_texts = {
    proof_link,
    {"{provider}のセキュリティ情報",
     "このメール アドレスを、{provider}のアカウントのセキュリティ情報として登録する手続きが行われました。\n"
     "ご本人の場合は、次のページを開いて確認を済ませてください。\n"
     "\n"
     "{link}\n"
     "\n"
     "このリンクは {until} まで、1 回だけ使えます。\n"
     "\n"
     "お心当たりがない場合は、リンクを開かずにこのメールを削除してください。\n"
     "確認が済まない限り、このアドレスが使われることはありません。\n",
     nullptr},
    {"{provider} security info",
     "Somebody is adding this address to the security info of an account at {provider}.\n"
     "If that is you, open this page to confirm it.\n"
     "\n"
     "{link}\n"
     "\n"
     "The link works once, until {until}.\n"
     "\n"
     "If it is not you, do not open the link and delete this mail.\n"
     "The address is not used unless it is confirmed.\n",
     nullptr}};

constexpr Texts sign_in_name_link_texts = {sign_in_name_link,
                                           {"お使いのメール アドレスの確認",
                                            "このメール アドレスで{provider}のアカウントが作成されました。\n"
                                            "ご本人の場合は、次のページを開いてアドレスの確認を済ませてください。\n"
                                            "\n"
                                            "{link}\n"
                                            "\n"
                                            "このリンクは {until} まで、1 回だけ使えます。\n"
                                            "\n"
                                            "お心当たりがない場合は、リンクを開かずにこのメールを削除してください。\n",
                                            nullptr},
                                           {"Confirm your e-mail address",
                                            "An account at {provider} was created with this address.\n"
                                            "If you created it, open this page to confirm the address.\n"
                                            "\n"
                                            "{link}\n"
                                            "\n"
                                            "The link works once, until {until}.\n"
                                            "\n"
                                            "If you did not, do not open the link and delete this mail.\n",
                                            nullptr}};

constexpr Texts security_info_changed_texts = {
    security_info_changed,
    {"{provider}のセキュリティ情報が変更されました",
     "{asked} に、お客様のアカウントのセキュリティ情報またはパスワードの設定が変更されました。\n"
     "\n"
     "ご本人による変更であれば、何もする必要はありません。\n"
     "\n"
     "お心当たりがない場合は、すぐに{provider}"
     "にサインインしてパスワードを変更し、セキュリティ情報をお確かめください。\n"
     "サインインできない場合は、サインイン ページから本人確認の手続きをしてください。\n",
     "{provider}: {asked} に、お客様のアカウントのセキュリティ情報が変更されました。\n"
     "お心当たりがない場合は、すぐにサインインしてパスワードとセキュリティ情報をお確かめください。\n"},
    {"Your {provider} security info was changed",
     "The security info or the password settings of your account were changed on {asked}.\n"
     "\n"
     "If you did this, there is nothing for you to do.\n"
     "\n"
     "If you did not, sign in to {provider} at once, change your password and check your security info.\n"
     "If you cannot sign in, the sign-in page lets you prove who you are.\n",
     "{provider}: the security info of your account was changed on {asked}.\n"
     "If that was not you, sign in at once and check your password and security info.\n"}};

constexpr Texts replacement_pending_texts = {
    replacement_pending,
    {"{provider}のセキュリティ情報の変更が要求されています",
     "{asked} に、お客様のアカウントのセキュリティ情報をすべて新しいものに置き換える要求を受け付けました。\n"
     "新しいセキュリティ情報は {effective} に有効になり、そのときにこれまでの情報は削除されます。\n"
     "それまでは、これまでのセキュリティ情報をお使いになれます。\n"
     "\n"
     "ご本人が要求し、そのまま続ける場合は、何もする必要はありません。\n"
     "\n"
     "現在のセキュリティ情報のままにする場合、またはこの要求にお心当たりがない場合は、次のページからお知らせください。"
     "\n"
     "\n"
     "{link}\n",
     "{provider}: お客様のアカウントのセキュリティ情報を置き換える要求を受け付けました。\n"
     "{effective} に有効になります。\n"
     "お心当たりがない場合は、サインインしてこの要求を取り消してください。\n"
     "{link}\n"},
    {"A change of your {provider} security info is pending",
     "On {asked} we were asked to replace all the security info of your account.\n"
     "The new security info takes effect on {effective}; what you have now is removed then.\n"
     "Until then you can go on using what you have now.\n"
     "\n"
     "If you asked for this and want it to go on, there is nothing for you to do.\n"
     "\n"
     "To keep your security info as it is, or if you did not ask for this, tell us on this page.\n"
     "\n"
     "{link}\n",
     "{provider}: we were asked to replace the security info of your account.\n"
     "It takes effect on {effective}.\n"
     "If that was not you, sign in and cancel the request.\n"
     "{link}\n"}};

constexpr Texts recovery_received_texts = {
    recovery_received,
    {"アカウントの復旧リクエストを受け付けました",
     "{provider}のアカウントの復元について、ご回答を受け付けました。\n"
     "このメール アドレスが連絡先として記入されています。\n"
     "\n"
     "本人確認の結果は、{due} までにこのアドレスにお送りします。\n"
     "このアドレスは、今回の復元についてのご連絡にのみ使用します。\n"
     "\n"
     "お心当たりがない場合は、このメールを削除してください。ほかに何もする必要はありません。\n"
     "サポート担当者がパスワードをリセットするリンクをお送りすることはできません。\n",
     nullptr},
    {"We received your account recovery request",
     "We received answers to recover an account at {provider}.\n"
     "They name this address as the one to write to.\n"
     "\n"
     "We will send the outcome to this address by {due}.\n"
     "The address is used for nothing but this recovery.\n"
     "\n"
     "If you know nothing of it, delete this mail. There is nothing else for you to do.\n"
     "Support staff cannot send links to reset a password.\n",
     nullptr}};

constexpr Texts recovery_verified_texts = {
    recovery_verified,
    {"アカウントが確認されました。パスワードをリセットしてください",
     "ご回答により、アカウントの持ち主であることが確認できました。\n"
     "次のページで新しいパスワードを設定してください。\n"
     "\n"
     "{link}\n"
     "\n"
     "このリンクは {until} まで、1 回だけ使えます。\n"
     "サインインできるようになったら、セキュリティ情報をお確かめください。\n"
     "\n"
     "復元を依頼していない場合は、リンクを開かず、だれにも転送せずに、このメールを削除してください。\n",
     nullptr},
    {"Your account was verified: reset your password",
     "Your answers show that the account is yours.\n"
     "Set a new password on this page.\n"
     "\n"
     "{link}\n"
     "\n"
     "The link works once, until {until}.\n"
     "Once you can sign in again, please check your security info.\n"
     "\n"
     "If you did not ask for a recovery, do not open the link, forward it to nobody, and delete this mail.\n",
     nullptr}};

constexpr Texts recovery_not_verified_texts = {
    recovery_not_verified,
    {"アカウントを確認できませんでした",
     "残念ながら、いただいたご回答からは、アカウントの持ち主であることを確認できませんでした。\n"
     "そのため、パスワードのリセットはできません。\n"
     "\n"
     "より多くの情報を入力のうえ、もう一度お試しいただけます。1 日に送信できる回数には限りがあります。\n"
     "または、新しいアカウントを作成してください。\n"
     "\n"
     "復元を依頼していない場合は、このメールを削除してください。\n",
     nullptr},
    {"We could not verify the account",
     "We are sorry: your answers were not enough to show that the account is yours.\n"
     "So the password cannot be reset.\n"
     "\n"
     "You may try again with more information. There is a limit to how often in a day.\n"
     "Or you may create a new account.\n"
     "\n"
     "If you did not ask for a recovery, delete this mail.\n",
     nullptr}};

constexpr Texts recovery_survey_texts = {
    recovery_survey,
    {"アカウントの復元 - ご意見をお聞かせください",
     "先日は{provider}のアカウントの復元をご利用いただき、ありがとうございました。\n"
     "サービスをより良くするため、次のページでご意見をお聞かせください。\n"
     "\n"
     "{link}\n"
     "\n"
     "ご回答は、アカウントの復元の判断には使われません。\n"
     "このアドレスに復元についてのご連絡をお送りするのは、これが最後です。\n",
     nullptr},
    {"Account recovery: tell us what you think",
     "You asked {provider} to recover an account a short time ago. Thank you for your patience.\n"
     "To help us do better, please tell us how it went, on this page.\n"
     "\n"
     "{link}\n"
     "\n"
     "Your answers have no influence on any recovery.\n"
     "This is the last mail about it to this address.\n",
     nullptr}};

constexpr Texts password_reset_done_texts = {
    password_reset_done,
    {"{provider}のパスワードがリセットされました",
     "{asked} に、お客様のアカウントのパスワードがリセットされました。\n"
     "\n"
     "ご本人による操作であれば、何もする必要はありません。\n"
     "\n"
     "お心当たりがない場合は、すぐにサインイン ページからもう一度パスワードをリセットし、"
     "セキュリティ情報をお確かめください。\n",
     "{provider}: {asked} に、お客様のアカウントのパスワードがリセットされました。\n"
     "お心当たりがない場合は、すぐにもう一度パスワードをリセットしてください。\n"},
    {"Your {provider} password was reset",
     "The password of your account was reset on {asked}.\n"
     "\n"
     "If you did this, there is nothing for you to do.\n"
     "\n"
     "If you did not, reset it again from the sign-in page at once, and check your security info.\n",
     "{provider}: the password of your account was reset on {asked}.\n"
     "If that was not you, reset it again at once.\n"}};

constexpr Texts account_blocked_texts = {
    account_blocked,
    {"{provider}のアカウントを一時的に停止しました",
     "第三者による不正な利用の疑いがあるため、{asked} に、お客様のアカウントへのサインインを停止しました。\n"
     "\n"
     "停止を解除するには、サインイン ページで本人確認の手続きをしてください。\n"
     "そのあとで、パスワードとセキュリティ情報をお確かめください。\n"
     "\n"
     "担当者がパスワードやセキュリティ コードをお尋ねすることはありません。\n",
     "{provider}: 不正な利用の疑いがあるため、{asked} に、お客様のアカウントへのサインインを停止しました。\n"
     "サインイン ページで本人確認の手続きをしてください。\n"},
    {"Your {provider} account is blocked for now",
     "On {asked} we stopped sign-ins to your account, because somebody else may be using it.\n"
     "\n"
     "To lift this, go to the sign-in page and prove who you are.\n"
     "Afterwards please check your password and your security info.\n"
     "\n"
     "Nobody at {provider} will ask you for your password or a security code.\n",
     "{provider}: on {asked} we stopped sign-ins to your account, because somebody else may be using it.\n"
     "Go to the sign-in page and prove who you are.\n"}};

constexpr std::array table = {
    security_code_texts,       proof_link_texts,          sign_in_name_link_texts, security_info_changed_texts,
    replacement_pending_texts, recovery_received_texts,   recovery_verified_texts, recovery_not_verified_texts,
    recovery_survey_texts,     password_reset_done_texts, account_blocked_texts,
};
static_assert(table.size() == static_cast<std::size_t>(fb::NotificationKind::MAX));

}  // namespace

const Texts& texts_of(fb::NotificationKind kind) {
  const auto found = std::ranges::find(table, kind, &Texts::kind);
  assert(found != table.end());
  return *found;
}

}  // namespace daicho
