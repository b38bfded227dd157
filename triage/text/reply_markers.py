"""The phrases by which mail programs and marketplaces mark what the customer did not write now.

Data only. Everything is compared after ``fold``: case, Arabic vowel signs and composed letters make no difference.
Sources: the lines that Thunderbird, Outlook, Gmail and Apple Mail write into mails, the relay mails of marketplaces.
One set holds every language because a mail program and its user often differ in language.
"""

from __future__ import annotations

import re
import unicodedata

_ARABIC_SIGNS = dict.fromkeys([*range(0x064B, 0x0653), 0x0640])
_ARABIC_SIGNS.update({0x0623: 0x0627, 0x0625: 0x0627, 0x0622: 0x0627})


def fold(text: str) -> str:
    """The form in which markers are compared."""
    if text.isascii():
        return text.casefold()
    return unicodedata.normalize("NFKC", text).casefold().translate(_ARABIC_SIGNS).replace("\u2019", "'")


def folded(*lines: str) -> frozenset[str]:
    """The phrases in ``lines``, separated by ``|``, folded."""
    return frozenset(fold(phrase.strip()) for line in lines for phrase in line.split("|"))


def any_of(phrases: frozenset[str]) -> str:
    """A regular expression for one of ``phrases``, longest first, a space standing for any run of spaces."""
    return "|".join(re.escape(phrase).replace("\\ ", r"\s+") for phrase in sorted(phrases, key=lambda p: (-len(p), p)))


# "... wrote:", the verb that ends (or in Germanic languages splits) the line above a quoted reply.
WROTE = folded(
    "wrote|writes|has written|napisał|napisała|napisał(a)|napisał/a|napisali|napisało|pisze|menulis|menulis pesan",
    "كتب|كتبت|كتبتم|schrieb|schrieben|hat geschrieben|geschrieben|escribió|escribieron|ha escrito|écrit|a écrit",
    "avez écrit|ont écrit|escreveu|escreveram|ha scritto|avete scritto|scritto|schreef|schreven|heeft geschreven",
    "het volgende geschreven|yazdı|şunu yazdı|şunları yazdı|tarihinde yazdı|napsal|napsala|napsal(a)|napsali",
    "napísal|napísal(a)|píše|написал|написала|написал(а)|написали|пишет|написав|написав(-ла)|пише|a scris|scris",
    "skrev|skrev följande|har skrevet|kirjoitti|kirjoittivat|írta|ezt írta|a következőt írta|έγραψε|έγραψαν|đã viết",
    "viết|telah menulis|написа|написао|je napisao|napisao je|je napisal|va escriure|写道|寫道|のメール|님이 작성",
    "เขียนว่า|ने लिखा",
)
# How such a line begins, where the mail program puts the date first.
ON_DATE = folded(
    "on|in a message dated|at|dnia|w dniu|pada|pada tanggal|في|بتاريخ|في تاريخ|يوم|am|el|le|em|no dia|a|il",
    "il giorno|in data|op|den|dne|на|в|від|în|la data|på|fre|tor|ons|tir|man|στις|vào|vào lúc|tarihinde|u|dana|dňa",
    "el dia|le jour",
)

ORIGINAL_MESSAGE = folded(
    "original message|original mail|original email|reply message|reply above this line|forwarded message",
    "begin forwarded message|wiadomość oryginalna|oryginalna wiadomość|treść oryginalnej wiadomości",
    "wiadomość przekazana dalej|przekazana wiadomość|pesan asli|pesan terusan|pesan diteruskan",
    "pesan yang diteruskan|mesej asal|mesej yang dimajukan|الرسالة الأصلية|رسالة أصلية|رسالة معاد توجيهها",
    "الرسالة المعاد توجيهها|الرسالة المحولة|ursprüngliche nachricht|ursprüngliche mail|originalnachricht",
    "original-nachricht|weitergeleitete nachricht|anfang der weitergeleiteten nachricht|mensaje original",
    "mensaje reenviado|inicio del mensaje reenviado|message d'origine|message original|message initial",
    "message transféré|début du message réexpédié|message réexpédié|mensagem original|mensagem encaminhada",
    "início da mensagem encaminhada|messaggio originale|messaggio inoltrato|inizio messaggio inoltrato",
    "oorspronkelijk bericht|origineel bericht|doorgestuurd bericht|begin doorgestuurd bericht|orijinal mesaj",
    "özgün ileti|orijinal ileti|iletilen mesaj|iletilmiş ileti|yönlendirilmiş mesaj|původní zpráva|původní e-mail",
    "přeposlaná zpráva|исходное сообщение|исходное письмо|первоначальное сообщение|пересылаемое сообщение",
    "пересланное сообщение|оригінальне повідомлення|початкове повідомлення|переслане повідомлення|mesaj original",
    "mesajul original|mesaj redirecționat|ursprungligt meddelande|originalmeddelande|vidarebefordrat meddelande",
    "oprindelig meddelelse|videresendt meddelelse|videresendt besked|opprinnelig melding|videresendt melding",
    "alkuperäinen viesti|välitetty viesti|edelleenlähetetty viesti|eredeti üzenet|továbbított üzenet|αρχικό μήνυμα",
    "προωθημένο μήνυμα|tin nhắn gốc|thư gốc|thư đã chuyển tiếp|tin nhắn đã chuyển tiếp|originalna poruka",
    "izvorna poruka|pôvodná správa|原始邮件|原始郵件|转发的邮件|元のメッセージ|원본 메시지",
)
REPLY_ABOVE = folded(
    "reply above this line|type your reply above this line|please type your reply above this line",
    "write above this line|odpowiedz powyżej tej linii|odpowiedz nad tą linią|balas di atas baris ini",
    "الرد فوق هذا السطر|bitte antworten sie oberhalb dieser zeile|responda por encima de esta línea",
    "répondez au-dessus de cette ligne|responda acima desta linha|rispondi sopra questa riga",
    "antwoord boven deze lijn|typ uw antwoord boven deze regel|bu satırın üzerine yanıt yazın",
)

# The header block that Outlook and Apple Mail put above the earlier message.
FROM = folded(
    "from|od|dari|daripada|من|von|de|da|van|kimden|gönderen|от|от кого|від|від кого|de la|från|fra|lähettäjä|feladó",
    "από|từ|发件人|寄件者|差出人|보낸 사람|จาก|di",
)
SENT = folded(
    "sent|date|sent on|wysłano|wysłane|data|data wysłania|dikirim|terkirim|tanggal|تاريخ الإرسال|أرسل|تم الإرسال",
    "التاريخ|gesendet|datum|gesendet am|enviado|enviado el|fecha|envoyé|envoyé le|date d'envoi|enviada|enviada em",
    "enviado em|inviato|data invio|verzonden|gönderildi|gönderme tarihi|gönderilme|tarih|odesláno|отправлено|дата",
    "надіслано|trimis|skickat|sendt|dato|lähetetty|päiväys|päivämäärä|elküldve|küldve|dátum|στάλθηκε|εστάλη",
    "ημερομηνία|đã gửi|ngày|gửi|dihantar|tarikh|发送时间|日期|送信日時|日付|보낸 날짜|날짜",
)
TO = folded(
    "to|do|kepada|ke|untuk|إلى|an|para|à|a|aan|kime|alıcı|komu|кому|către|catre|till|til|vastaanottaja|címzett|προς",
    "đến|tới|收件人|宛先|받는 사람",
)
SUBJECT = folded(
    "subject|temat|subjek|perihal|الموضوع|betreff|asunto|objet|sujet|assunto|oggetto|onderwerp|konu|předmět|predmet",
    "тема|subiect|ämne|emne|aihe|tárgy|θέμα|chủ đề|主题|主旨|件名|제목",
)
COPY = folded(
    "cc|bcc|dw|udw|نسخة|kopia|kopie|kopi|копия|копія|másolat|kopio|cópia|copia|reply-to|odpowiedz do|importance"
)

# "Sent from my iPhone": a verb of sending and a device or program in one short line.
SENT_FROM = folded(
    "sent from|sent via|sent with proton|sent with spark|sent with outlook|get outlook|get bluemail|wysłane z",
    "wysłano z|wysłane przy użyciu|dikirim dari|dikirim melalui|أرسل من|أرسلت من|مرسل من|مرسلة من|تم الإرسال من",
    "gesendet von|von meinem|diese nachricht wurde von meinem|enviado desde|descargar outlook|envoyé de",
    "envoyé depuis|envoyé à partir de|enviado do|enviado de|enviado a partir|enviado pelo|inviato da|inviato dal",
    "verzonden vanaf|verstuurd vanaf|gönderildi|holen sie sich outlook|outlook für|pobierz outlook|dapatkan outlook",
    "odesláno z|odoslané z|отправлено с|отправлено из|надіслано з|trimis de pe|trimis din|skickat från|sendt fra",
    "lähetetty|elküldve|iphone-omról küldve|στάλθηκε από|εστάλη από|gửi từ|được gửi từ|dihantar dari",
    "dihantar daripada|poslano s|poslato sa|obter o outlook|obtenir outlook|obtenez outlook|télécharger outlook",
    "发自我的|iphoneから送信|나의 iphone에서 보냄",
)
DEVICES = folded(
    "iphone|ipad|ipod|android|samsung|galaxy|huawei|xiaomi|redmi|oppo|vivo|nokia|motorola|pixel|oneplus|blackberry",
    "windows phone|outlook|yahoo|gmail|protonmail|proton mail|mail for windows|mail app|gmx|web.de|mail.ru|yandex",
    "my phone|my mobile|my cell|mobile device|smartphone|smartfon|smartfona|telefonu|telefona|telefon seluler",
    "ponsel|هاتفي|جوالي|الجوال|الآيفون|ايفون|آيفون|جهاز|الهاتف|handy|mobiltelefon|móvil|mi teléfono|mon téléphone",
    "mon mobile|portable|meu celular|telemóvel|mio telefono|mijn telefoon|telefonumdan|mobilu|телефона|смартфона",
    "айфона|телефону|min mobil|min telefon|puhelimesta|điện thoại|telefon bimbit|poczty",
)

# Closings that stand on a line of their own. Thanks stay unless contact lines follow.
REGARDS = folded(
    "regards|kind regards|best regards|warm regards|warmest regards|kindest regards|with kind regards",
    "with best regards|best|best wishes|with regards|yours sincerely|yours faithfully|yours truly|sincerely",
    "sincerely yours|respectfully|cheers|rgds|br|kr|cordially|pozdrawiam|pozdrawiam serdecznie",
    "serdecznie pozdrawiam|z poważaniem|z wyrazami szacunku|z pozdrowieniami|pozdrowienia|pozdr|łączę pozdrowienia",
    "łączę wyrazy szacunku|z uszanowaniem|pozdrawiam i życzę miłego dnia|z góry dziękuję i pozdrawiam",
    "dziękuję i pozdrawiam|hormat saya|hormat kami|salam|salam hormat|salam hangat|wassalam|wassalamualaikum",
    "dengan hormat saya|مع خالص التقدير|مع التحية|مع أطيب التحيات|مع خالص التحية|تحياتي|أطيب التحيات|مع التقدير",
    "مع الشكر والتقدير|وتفضلوا بقبول فائق الاحترام|وتفضلوا بقبول فائق الاحترام والتقدير|تفضلوا بقبول فائق الاحترام",
    "مع فائق الاحترام|والسلام عليكم ورحمة الله وبركاته|خالص تحياتي|mit freundlichen grüßen|mit freundlichen grüssen",
    "mit freundlichem gruß|freundliche grüße|freundliche grüsse|viele grüße|beste grüße|liebe grüße|schöne grüße",
    "herzliche grüße|mit besten grüßen|hochachtungsvoll|mfg|lg|vg|gruß|grüße|grüsse|gruss|saludos|un saludo",
    "saludos cordiales|un cordial saludo|cordialmente|atentamente|atte|le saluda atentamente",
    "reciba un cordial saludo|cordialement|bien cordialement|salutations|sincères salutations|bien à vous|cdlt",
    "meilleures salutations|respectueusement|veuillez agréer mes salutations distinguées|salutations distinguées",
    "atenciosamente|cumprimentos|com os melhores cumprimentos|melhores cumprimentos|com os meus cumprimentos",
    "cordiais cumprimentos|att|abraço|abraços|cordiali saluti|distinti saluti|saluti|un cordiale saluto|in fede",
    "met vriendelijke groet|met vriendelijke groeten|vriendelijke groeten|vriendelijke groet|groeten|groetjes|mvg",
    "hoogachtend|saygılarımla|saygılarımızla|iyi çalışmalar|iyi günler dilerim|sevgiler|selamlar|s pozdravem",
    "s přátelským pozdravem|s úctou|zdravím|s pozdravom|с уважением|с наилучшими пожеланиями|с почтением|з повагою",
    "з найкращими побажаннями|cu respect|cu stimă|cu stima|o zi bună|toate cele bune|med vänlig hälsning",
    "med vänliga hälsningar|vänliga hälsningar|vänlig hälsning|mvh|hälsningar|hälsning|med venlig hilsen",
    "venlig hilsen|de bedste hilsner|bedste hilsner|vh|hilsen|med vennlig hilsen|vennlig hilsen|beste hilsen",
    "hilsener|ystävällisin terveisin|terveisin|parhain terveisin|yt|kunnioittaen|üdvözlettel|tisztelettel",
    "szívélyes üdvözlettel|üdv|με εκτίμηση|φιλικά|με φιλικούς χαιρετισμούς|χαιρετισμούς|trân trọng|thân ái|kính thư",
    "trân trọng kính chào|yang benar|yang ikhlas|sekian|sekian terima kasih|с уважение|s poštovanjem|lep pozdrav",
    "srdačan pozdrav|此致敬礼|よろしくお願いいたします|敬具|감사합니다",
)
THANKS = folded(
    "thanks|thank you|many thanks|thanks in advance|thank you in advance|thx|thanks a lot|ta|dziękuję|dzięki",
    "z góry dziękuję|terima kasih|terima kasih sebelumnya|makasih|matur nuwun|mohon bantuannya|شكرا|شكرا لكم|وشكرا",
    "شكرا جزيلا|danke|vielen dank|danke im voraus|besten dank|gracias|muchas gracias|gracias de antemano|merci",
    "merci d'avance|merci beaucoup|obrigado|obrigada|obrigado desde já|obrigada desde já|desde já agradeço|grazie",
    "grazie mille|bedankt|dank u wel|alvast bedankt|teşekkürler|teşekkür ederim|děkuji|díky|ďakujem|спасибо",
    "заранее спасибо|дякую|mulțumesc|multumesc|tack|tack på förhand|tak|på forhånd tak|takk|kiitos|köszönöm",
    "ευχαριστώ|ευχαριστώ πολύ|cảm ơn|xin cảm ơn",
)

# A legal notice needs a word of each list in one long paragraph.
CONFIDENTIAL = folded(
    "confidential|privileged|poufne|poufna|rahasia|سرية|vertraulich|confidencial|confidentiel|confidenziale",
    "riservat|vertrouwelijk|gizli|důvěrn|конфиденциальн|конфіденційн|confidențial|konfidenti|fortrolig",
    "luottamuksell|bizalmas|εμπιστευτικ|bảo mật|sulit dan",
)
ADDRESSEE = folded(
    "intended recipient|intended solely|intended only|unauthorised|unauthorized|addressee|delete it",
    "notify the sender|adresat|odbiorc|nadawc|penerima|pengirim|المرسل إليه|للمرسل|empfänger|absender|destinatari",
    "remitente|destinataire|expéditeur|remetente|mittente|geadresseerde|afzender|alıcı|gönderen|adresát|příjemc",
    "odesílatel|получател|отправител|адресат|одержувач|destinatar|expeditor|mottagare|avsändare|modtager|afsender",
    "mottaker|avsender|vastaanottaja|lähettäjä|címzett|feladó|παραλήπτη|αποστολέα|người nhận",
)

# Relays: what a marketplace writes around the buyer's words.
RELAY_OPENERS = folded(
    "you have received a message|you've received a message|you received a message|you have a new message",
    "you've got a new message|new message from|new message:|message from buyer|message from customer",
    "message from the buyer|message from your customer|new buyer message|sent you a message|has sent you a message",
    "has contacted you|automatic message|automated message|customer message|new customer inquiry|new inquiry",
    "otrzymałeś wiadomość|otrzymałaś wiadomość|otrzymano wiadomość|masz nową wiadomość|nowa wiadomość od",
    "wiadomość od kupującego|wiadomość od klienta|kupujący napisał|anda menerima pesan|anda mendapat pesan",
    "pesan baru dari|pesan baru:|pesan otomatis|pesan dari pembeli|pembeli mengirim pesan|لقد تلقيت رسالة",
    "وصلتك رسالة|رسالة جديدة من|رسالة من المشتري|رسالة من العميل|رسالة تلقائية|sie haben eine nachricht erhalten",
    "sie haben eine neue nachricht|neue nachricht von|nachricht vom käufer|nachricht von käufer",
    "hat ihnen eine nachricht gesendet|automatische nachricht|has recibido un mensaje|ha recibido un mensaje",
    "nuevo mensaje de|mensaje del comprador|mensaje automático|vous avez reçu un message|nouveau message de",
    "message de l'acheteur|message du client|message automatique|recebeu uma mensagem|você recebeu uma mensagem",
    "nova mensagem de|mensagem do comprador|mensagem automática|hai ricevuto un messaggio|nuovo messaggio da",
    "messaggio dall'acquirente|messaggio automatico|je hebt een bericht ontvangen|u hebt een bericht ontvangen",
    "nieuw bericht van|bericht van koper|bir mesaj aldınız|yeni mesaj:|alıcıdan mesaj|obdrželi jste zprávu",
    "nová zpráva od|zpráva od kupujícího|вы получили сообщение|новое сообщение от|сообщение от покупателя",
    "ви отримали повідомлення|нове повідомлення від|ați primit un mesaj|mesaj nou de la|du har fått ett meddelande",
    "nytt meddelande från|du har modtaget en besked|ny besked fra|du har mottatt en melding|ny melding fra",
    "olet saanut viestin|uusi viesti|üzenete érkezett|új üzenet|λάβατε ένα μήνυμα|νέο μήνυμα από",
    "bạn có tin nhắn mới|tin nhắn từ người mua|anda telah menerima mesej",
)
RELAY_LABELS = SUBJECT | folded(
    "order id|order|order no|order number|order #|order ref|item|item id|item number|item title|asin|sku|product",
    "listing|quantity|qty|buyer|buyer name|customer|customer name|from|reason|topic|category|marketplace|store|shop",
    "purchase order|po number|transaction|return id|case id|zamówienie|numer zamówienia|nr zamówienia|oferta",
    "numer oferty|kupujący|produkt|sklep|powód|pesanan|no. pesanan|nomor pesanan|no pesanan|invoice|no. invoice",
    "produk|pembeli|toko|nama barang|alasan|الطلب|رقم الطلب|المنتج|المشتري|العميل|السبب|bestellung|bestellnummer",
    "artikel|artikelnummer|käufer|kunde|grund|pedido|número de pedido|n.º de pedido|artículo|producto|comprador",
    "cliente|motivo|commande|numéro de commande|article|produit|acheteur|client|motif|encomenda|número do pedido",
    "produto|ordine|numero ordine|articolo|prodotto|acquirente|bestelling|bestelnummer|koper|klant|sipariş",
    "sipariş no|sipariş numarası|ürün|alıcı|müşteri|objednávka|číslo objednávky|zboží|kupující|zákazník|заказ",
    "номер заказа|товар|покупатель|замовлення|номер замовлення|покупець|comandă|număr comandă|produs|cumpărător",
    "beställning|ordernummer|vara|köpare|ordre|ordrenummer|vare|køber|kjøper|tilaus|tilausnumero|tuote|ostaja",
    "rendelés|rendelésszám|termék|vevő|παραγγελία|προϊόν|đơn hàng|mã đơn hàng|sản phẩm|người mua|nombor pesanan",
)
RELAY_BODY = folded(
    "message|buyer message|customer message|message body|comment|comments|wiadomość|treść wiadomości|treść|pesan",
    "isi pesan|الرسالة|نص الرسالة|nachricht|mensaje|message de l'acheteur|mensagem|messaggio|bericht|mesaj|zpráva",
    "сообщение|повідомлення|meddelande|besked|melding|viesti|üzenet|μήνυμα|tin nhắn|mesej|text|question|pytanie",
    "pertanyaan|السؤال|frage|pregunta|domanda|vraag",
)
BEGIN_MESSAGE = folded(
    "begin message|message begins|start of message|beginning of message|początek wiadomości|awal pesan|mulai pesan",
    "بداية الرسالة|anfang der nachricht|beginn der nachricht|nachrichtenbeginn|inicio del mensaje",
    "comienzo del mensaje|début du message|início da mensagem|inizio messaggio|inizio del messaggio|begin bericht",
    "begin van bericht|begin van het bericht|mesaj başlangıcı|mesajın başlangıcı|začátek zprávy|начало сообщения",
    "початок повідомлення|början på meddelande|meddelandets början|начало на съобщението",
)
END_MESSAGE = folded(
    "end message|message ends|end of message|koniec wiadomości|akhir pesan|نهاية الرسالة|ende der nachricht",
    "nachrichtenende|fin del mensaje|final del mensaje|fin du message|fim da mensagem|fine messaggio",
    "fine del messaggio|einde bericht|einde van bericht|einde van het bericht|mesaj sonu|mesajın sonu|konec zprávy",
    "конец сообщения|кінець повідомлення|slut på meddelande|meddelandets slut",
)
RELAY_FOOTERS = folded(
    "to reply to this message|reply to this message|please do not reply to this|do not reply to this",
    "this message was sent|this email was sent|was this email helpful|all rights reserved",
    "protect yourself from spoof|email reference id|learn more about|view order details|copyright",
    "mark as no response needed|report questionable activity|solve case|aby odpowiedzieć|prosimy nie odpowiadać",
    "balas pesan ini|jangan balas|mohon tidak membalas|للرد على هذه الرسالة|يرجى عدم الرد",
    "um auf diese nachricht zu antworten|bitte antworten sie nicht auf|para responder a este mensaje",
    "no responda a este|pour répondre à ce message|ne répondez pas à|para responder a esta mensagem",
    "não responda a este|per rispondere a questo messaggio|non rispondere a questa|om dit bericht te beantwoorden",
    "bu mesajı yanıtlamak|pro odpověď na tuto zprávu|чтобы ответить на это сообщение",
)
RELAY_THREAD_MARK = "[commmgrtok:"
